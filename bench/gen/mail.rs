//! Mailboxes: messages of 1 to 50 KiB, half as Microsoft Graph tells them (JSON) and half as MIME.
//!
//! What makes mail compress and repeat is kept: replies quote what they answer, newsletters share a template, senders
//! a signature and a logo, and headers their long names. What does not compress is there too: attachments in base64,
//! signatures of servers, IDs.
use crate::content::{content, Kind, Words};
use crate::message::{calendar, Message, Person};
use crate::random::Rng;
use std::fs;
use std::path::Path;

const MEDIAN: f64 = 8e3;
const SIGMA: f64 = 1.1;
/// What a message is planned to take; it comes out up to a tenth larger.
const PLANNED_MAX: usize = 46 << 10;
const SIZE_MAX: usize = 50 << 10;
/// What is sent is at most so long, before encoding: room is left for headers.
const TEXT_MAX: usize = 8 << 10;
const MAILBOXES: u64 = 25;
const FOLDERS: [&str; 6] = ["Inbox", "Inbox", "Inbox", "Sent Items", "Archive", "Projects/Umbau Süd"];

/// What a reply answers.
struct Thread {
    subject: String,
    text: String,
    ids: Vec<String>,
}

struct Post {
    words: Words,
    people: Vec<Person>,
    threads: Vec<Thread>,
    r: Rng,
}

/// `files` messages in folders by mailbox and month.
pub fn mail(dir: &Path, seed: u64, files: u64) {
    let mut post = Post::new(seed);
    let (mut total, mut json) = (0, 0);
    for i in 0..files {
        let size = (post.r.lognormal(MEDIAN, SIGMA) as usize).clamp(1 << 10, PLANNED_MAX);
        let date = 1_640_995_200 + i * 126_230_400 / files + post.r.below(80_000);
        let as_json = post.r.below(2) == 0;
        let people = std::mem::take(&mut post.people);
        let message = post.message(&people, size, date);
        let bytes = if as_json { message.json(&mut post.r) } else { message.mime(&mut post.r) };
        assert!(bytes.len() <= SIZE_MAX, "message {i} has {} bytes", bytes.len());
        post.people = people;
        let (year, month, ..) = calendar(date);
        let folder = dir.join(format!(
            "user{:02}/{}/{year}-{month:02}",
            post.r.below(MAILBOXES),
            FOLDERS[post.r.below(FOLDERS.len() as u64) as usize]
        ));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{i:06}.{}", if as_json { "json" } else { "eml" })), &bytes).unwrap();
        total += bytes.len();
        json += as_json as u64;
    }
    println!("mail: {files} messages, {json} of them JSON, {total} bytes");
}

impl Post {
    fn new(seed: u64) -> Post {
        let words = Words::new();
        let mut r = Rng::new(seed);
        let people = (0..400)
            .map(|i| {
                let (first, last) = (word(&words, &mut r), word(&words, &mut r));
                let domain = ["example.org", "example.com", "mail.example.net"][r.below(3) as usize];
                Person {
                    name: format!("{first} {last}"),
                    address: format!("{first}.{last}{i}@{domain}"),
                    seed: r.next(),
                }
            })
            .collect();
        Post { words, people, threads: vec![], r }
    }

    /// A message that takes about `size` bytes once it is written.
    fn message<'a>(&mut self, people: &'a [Person], size: usize, date: u64) -> Message<'a> {
        let any = |r: &mut Rng| &people[r.below(people.len() as u64) as usize];
        // The first fifth of the people are senders of newsletters.
        let newsletter = self.r.below(100) < 25;
        let from = if newsletter {
            &people[self.r.below(people.len() as u64 / 5) as usize]
        } else {
            any(&mut self.r)
        };
        let to = (0..1 + self.r.below(if newsletter { 1 } else { 5 })).map(|_| any(&mut self.r)).collect();
        let id = format!(
            "<{:016x}{:016x}@{}>",
            self.r.next(),
            self.r.next(),
            from.address.split('@').nth(1).unwrap()
        );
        // Text is there twice, as such and as HTML, whose tags take as much again; headers take some 2 KiB.
        let room = (size.saturating_sub(2600) / 3).clamp(80, TEXT_MAX);
        let mut message = Message {
            from,
            to,
            subject: self.sentence(6),
            date,
            id,
            references: vec![],
            text: String::new(),
            html: String::new(),
            attachment: None,
        };
        if newsletter {
            self.newsletter(&mut message, room);
        } else {
            self.letter(&mut message, room);
        }
        let left = size.saturating_sub(2200 + message.text.len() + message.html.len());
        if left > 6000 {
            message.attachment = Some(self.attachment(from, left * 7 / 10));
        }
        message
    }

    /// New text, a signature, and what is answered, quoted.
    fn letter(&mut self, message: &mut Message, room: usize) {
        let size = (self.r.lognormal(500.0, 0.9) as usize).clamp(40, room);
        let mut text = self.prose(size);
        let mut own = Rng::new(message.from.seed);
        text.push_str(&format!("\n\n-- \n{}\n", message.from.name));
        for _ in 0..3 {
            text.push_str(&word(&self.words, &mut own));
            text.push_str(&format!(" {}\n", own.below(100_000)));
        }
        let answered = (!self.threads.is_empty() && self.r.below(100) < 60)
            .then(|| self.r.below(self.threads.len() as u64));
        if let Some(thread) = answered.map(|i| &self.threads[i as usize]) {
            message.subject = format!("Re: {}", thread.subject);
            message.references = thread.ids.clone();
            text.push_str(&format!("\nOn {} someone wrote:\n", message.date - 40_000));
            for line in thread.text.lines() {
                if text.len() + line.len() > room {
                    break;
                }
                text.push_str(&format!("> {line}\n"));
            }
        }
        message.html = html(&text);
        let subject = message.subject.trim_start_matches("Re: ").to_string();
        let mut ids = message.references.clone();
        ids.push(message.id.clone());
        let thread = Thread { subject, text: text.clone(), ids: ids.split_off(ids.len().saturating_sub(6)) };
        message.text = text;
        match answered {
            Some(i) => self.threads[i as usize] = thread,
            None if self.threads.len() < 3000 => self.threads.push(thread),
            None => {
                let i = self.r.below(3000) as usize;
                self.threads[i] = thread;
            }
        }
    }

    /// The sender's template with some stories in it.
    fn newsletter(&mut self, message: &mut Message, room: usize) {
        let mut own = Rng::new(message.from.seed);
        let part = |own: &mut Rng| {
            let (colour, width) = (own.below(1 << 24), own.below(600));
            let class = word(&self.words, own);
            format!("<table class=\"{class}\" width=\"{width}\" cellpadding=\"0\" style=\"border-collapse:collapse;background:#{colour:06x};font-family:Arial,sans-serif\"><tr><td align=\"center\">")
        };
        let (head, foot) = (
            (0..4).map(|_| part(&mut own)).collect::<String>(),
            (0..3).map(|_| part(&mut own)).collect::<String>(),
        );
        let end = "</td></tr></table>\r\n";
        message.html = format!("<html><body>{head}\r\n");
        while message.text.len() < room {
            let story = self.prose((room - message.text.len()).clamp(60, 700));
            let link = format!("https://news.example.com/c/{:016x}{:016x}", self.r.next(), self.r.next());
            message.html.push_str(&format!("<h2 style=\"margin:0 0 12px\">{}</h2><p style=\"line-height:1.5\">{story} <a href=\"{link}\">…</a></p>\r\n", self.sentence(5)));
            message.text.push_str(&format!("{story}\n{link}\n\n"));
        }
        message.html.push_str(&format!("{foot}{}", end.repeat(7)));
        message.html.push_str("</body></html>\r\n");
    }

    /// The sender's logo, or a document; `size` bytes at most.
    fn attachment(&mut self, from: &Person, size: usize) -> (String, &'static str, Vec<u8>) {
        let logo = 3000 + (from.seed % 9000) as usize;
        if size > logo && self.r.below(2) == 0 {
            return ("logo.png".into(), "image/png", content(&self.words, Kind::Png, logo, from.seed));
        }
        let (kind, ext, media) = [
            (Kind::Docx, "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            (Kind::Pdf, "pdf", "application/pdf"),
            (Kind::Jpg, "jpg", "image/jpeg"),
            (Kind::Csv, "csv", "text/csv"),
            (Kind::Txt, "txt", "text/plain"),
        ][self.r.below(5) as usize];
        let name = format!("{} {}.{ext}", word(&self.words, &mut self.r), self.r.below(1000));
        (name, media, content(&self.words, kind, size, self.r.next()))
    }

    /// Lines of up to some 76 letters.
    fn prose(&mut self, size: usize) -> String {
        let mut bytes = vec![];
        self.words.prose(&mut self.r, size, &mut bytes);
        let mut text = String::with_capacity(size + size / 60);
        let mut at = 0;
        for word in String::from_utf8(bytes).unwrap().split(' ') {
            if at + word.len() > 75 {
                text.push('\n');
                at = 0;
            } else if at > 0 {
                text.push(' ');
            }
            text.push_str(word);
            at = if word.contains('\n') { 0 } else { at + word.len() + 1 };
        }
        text
    }

    fn sentence(&mut self, words: usize) -> String {
        (0..words).map(|_| word(&self.words, &mut self.r)).collect::<Vec<_>>().join(" ")
    }
}

fn word(words: &Words, r: &mut Rng) -> String {
    let mut bytes = vec![];
    words.word(r, &mut bytes);
    String::from_utf8(bytes).unwrap()
}

/// Text as a mail program writes it: a paragraph a line.
fn html(text: &str) -> String {
    let mut o = String::from("<html><head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\r\n</head><body lang=\"EN-GB\" link=\"#0563C1\" vlink=\"#954F72\"><div class=\"WordSection1\">\r\n");
    for line in text.split("\n\n") {
        let line = line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        o.push_str(&format!("<p class=\"MsoNormal\"><span lang=\"EN-US\" style=\"mso-fareast-language:EN-US\">{line}<o:p></o:p></span></p>\r\n"));
    }
    o.push_str("</div></body></html>\r\n");
    o
}
