//! What files hold: words, rows, and bytes that look like documents and pictures.
use crate::random::Rng;
use std::io::Write;

/// What a file looks like inside.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Docx,
    Xlsx,
    Pptx,
    Pdf,
    Jpg,
    Png,
    Txt,
    Eml,
    Csv,
    Json,
    Log,
    Mp4,
}
/// Kind, extension, share of the files, median bytes, sigma of the log-normal.
pub const KINDS: [(Kind, &str, f64, f64, f64); 12] = [
    (Kind::Docx, "docx", 0.20, 60e3, 1.1),
    (Kind::Xlsx, "xlsx", 0.12, 40e3, 1.2),
    (Kind::Pptx, "pptx", 0.04, 900e3, 0.9),
    (Kind::Pdf, "pdf", 0.18, 150e3, 1.1),
    (Kind::Jpg, "jpg", 0.11, 300e3, 0.8),
    (Kind::Png, "png", 0.06, 150e3, 1.0),
    (Kind::Txt, "txt", 0.09, 6e3, 1.4),
    (Kind::Eml, "eml", 0.06, 20e3, 1.4),
    (Kind::Csv, "csv", 0.06, 60e3, 1.6),
    (Kind::Json, "json", 0.05, 25e3, 1.6),
    (Kind::Log, "log", 0.028, 120e3, 1.7),
    (Kind::Mp4, "mp4", 0.002, 18e6, 0.5),
];

/// A file of `size` bytes that depends on kind, size and seed alone: a duplicate or near duplicate is made by
/// generating its base again and editing it.
pub fn content(w: &Words, kind: Kind, size: usize, seed: u64) -> Vec<u8> {
    let mut r = Rng::new(seed);
    let mut o: Vec<u8> = Vec::with_capacity(size + 4096);
    match kind {
        Kind::Docx | Kind::Xlsx | Kind::Pptx => {
            // zip-like: a template part common to all documents, then deflated parts and media
            let part = |o: &mut Vec<u8>, name: &str, n: usize, seed: u64| {
                o.extend_from_slice(b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00\x21\x00");
                o.extend_from_slice(&(n as u32).to_le_bytes());
                o.extend_from_slice(name.as_bytes());
                let at = o.len();
                o.resize(at + n, 0);
                Rng::new(seed).fill(&mut o[at..]);
            };
            part(&mut o, "word/theme/theme1.xml", 7000.min(size / 2), 1000 + kind as u64);
            let mut k = 0;
            while o.len() + 200 < size {
                let left = size - o.len() - 100;
                let n = if left < 20000 { left } else { 4000 + r.below(left as u64 - 4000) as usize };
                part(&mut o, &format!("part{k}.xml"), n, r.next());
                k += 1;
            }
        }
        Kind::Pdf => {
            o.extend_from_slice(b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n");
            let mut k = 1;
            while o.len() < size {
                let n = (1500 + r.below(60000) as usize).min(size - o.len());
                let _ = write!(o, "{k} 0 obj\n<< /Type /XObject /Length {n} /Filter /FlateDecode /Parent 3 0 R >>\nstream\n");
                let at = o.len();
                o.resize(at + n, 0);
                r.fill(&mut o[at..]);
                o.extend_from_slice(b"\nendstream\nendobj\n");
                k += 1;
            }
        }
        Kind::Jpg | Kind::Png | Kind::Mp4 => {
            o.extend_from_slice(b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00\x01");
            o.resize(size.max(12), 0);
            r.fill(&mut o[12..]);
        }
        Kind::Txt => w.prose(&mut r, size, &mut o),
        Kind::Eml => {
            o.extend_from_slice(b"From: a@example.org\nTo: b@example.org\nMIME-Version: 1.0\nContent-Type: multipart/mixed\n\n");
            let n = size.saturating_sub(o.len());
            w.prose(&mut r, n / 3, &mut o);
            const B: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            while o.len() < size {
                let mut x = r.next();
                for _ in 0..10 {
                    o.push(B[(x & 63) as usize]);
                    x >>= 6;
                }
                if o.len() % 77 < 10 {
                    o.push(b'\n');
                }
            }
        }
        Kind::Csv | Kind::Json | Kind::Log => w.rows(kind, &mut r, size, &mut o),
    }
    o.truncate(size);
    o
}

/// A vocabulary of made-up words, drawn with a Zipf-like law (zstd -3 packs such text about 3:1).
pub struct Words {
    w: Vec<Vec<u8>>,
    pick: Vec<u16>,
}
impl Words {
    pub fn new() -> Words {
        let mut r = Rng::new(77);
        let syl: Vec<&str> = "ba be co da de di en er es fa fe ga ge hi ing in ka la le li ma me mi na ne ni no on or pa per po qua ra re ri ro sa se si ta te ter ti tion to tra un va ve vi".split(' ').collect();
        let w = (0..12000usize)
            .map(|i| {
                let n = 1 + (i > 60) as u64 + r.below(3);
                (0..n).flat_map(|_| syl[r.below(syl.len() as u64) as usize].bytes()).collect()
            })
            .collect::<Vec<Vec<u8>>>();
        let h: f64 = (1..=12000).map(|i| 1.0 / (i as f64 + 2.0)).sum();
        let mut pick = Vec::with_capacity(70000);
        for i in 0..12000usize {
            let k = (65536.0 / (i as f64 + 3.0) / h).round().max(1.0) as usize;
            pick.extend(std::iter::repeat(i as u16).take(k));
        }
        Words { w, pick }
    }
    #[inline]
    pub fn word(&self, r: &mut Rng, out: &mut Vec<u8>) {
        let i = self.pick[r.below(self.pick.len() as u64) as usize];
        out.extend_from_slice(&self.w[i as usize]);
    }
    pub fn prose(&self, r: &mut Rng, n: usize, out: &mut Vec<u8>) {
        let end = out.len() + n;
        let mut k = 0;
        while out.len() < end {
            self.word(r, out);
            k += 1;
            out.extend_from_slice(if k % 83 == 0 {
                b".\n\n"
            } else if k % 13 == 0 {
                b". "
            } else {
                b" "
            });
        }
        out.truncate(end);
    }
    pub fn rows(&self, kind: Kind, r: &mut Rng, n: usize, out: &mut Vec<u8>) {
        let end = out.len() + n;
        let mut id = r.below(900000);
        let mut t = 1_700_000_000 + r.below(50_000_000);
        while out.len() < end {
            id += 1;
            t += r.below(600);
            match kind {
                Kind::Csv => {
                    let _ = write!(out, "{id},{t},");
                    self.word(r, out);
                    let _ = write!(
                        out,
                        ",{}.{:02},{},",
                        r.below(100000),
                        r.below(100),
                        ["open", "closed", "paid", "void"][r.below(4) as usize]
                    );
                    self.word(r, out);
                    out.push(b'\n');
                }
                Kind::Json => {
                    let _ = write!(
                        out,
                        "  {{\"id\": {id}, \"createdDateTime\": {t}, \"etag\": \"{:016x}\", \"name\": \"",
                        r.next()
                    );
                    self.word(r, out);
                    out.push(b' ');
                    self.word(r, out);
                    let _ = write!(
                        out,
                        "\", \"size\": {}, \"shared\": {}}},\n",
                        r.below(10_000_000),
                        r.below(2) == 0
                    );
                }
                _ => {
                    let _ = write!(
                        out,
                        "{t} {} [{:08x}] ",
                        ["INFO", "INFO", "INFO", "WARN", "ERROR"][r.below(5) as usize],
                        r.next() as u32
                    );
                    for _ in 0..5 {
                        self.word(r, out);
                        out.push(b' ');
                    }
                    let _ = write!(out, "took={}ms\n", r.below(4000));
                }
            }
        }
        out.truncate(end);
    }
}

/// 1 to 3 insertions, deletions or overwrites in the middle of the file.
pub fn edit(b: &mut Vec<u8>, r: &mut Rng) {
    for _ in 0..1 + r.below(3) {
        if b.len() < 16 {
            b.extend_from_slice(b"edited\n");
            return;
        }
        let at = (b.len() as u64 / 10 + r.below(b.len() as u64 * 8 / 10)) as usize;
        let n = 1 + r.below(2000.min(b.len() as u64 / 2)) as usize;
        match r.below(4) {
            0 => {
                let e = (at + n).min(b.len());
                b.drain(at..e);
            }
            1 => {
                let e = (at + n).min(b.len());
                r.fill(&mut b[at..e]);
            }
            _ => {
                let mut x = vec![0; n];
                r.fill(&mut x);
                for y in &mut x {
                    *y = 32 + (*y & 63);
                }
                b.splice(at..at, x);
            }
        }
    }
}
