//! One message, and how it is written: MIME or JSON.
use crate::random::Rng;

/// Who writes and is written to.
pub struct Person {
    pub name: String,
    pub address: String,
    /// The seed of what this person's messages share.
    pub seed: u64,
}

/// A message before it is written in either form.
pub struct Message<'a> {
    pub from: &'a Person,
    pub to: Vec<&'a Person>,
    pub subject: String,
    pub date: u64,
    pub id: String,
    pub references: Vec<String>,
    pub text: String,
    pub html: String,
    pub attachment: Option<(String, &'static str, Vec<u8>)>,
}

impl Message<'_> {
    /// What servers add on the way: names and values; much of it is noise.
    fn headers(&self, r: &mut Rng) -> Vec<(String, String)> {
        let mut headers = vec![];
        for hop in 0..2 + r.below(3) {
            let (by, ip) = (r.below(40), r.below(250));
            headers.push((
                "Received".into(),
                format!("from mx{by}.example.net (10.{hop}.{ip}.7) by mailbox{}.example.org (2603:10a6::{by:x}) with Microsoft SMTP Server (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.{}.{}; {}", by / 4, r.below(9999), r.below(99), date(self.date - hop)),
            ));
        }
        let mut signature = vec![0; 256];
        r.fill(&mut signature);
        let domain = self.from.address.split('@').nth(1).unwrap();
        headers.push(("DKIM-Signature".into(), format!("v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=selector1; h=From:Date:Subject:Message-ID:Content-Type:MIME-Version; b={}", base64(&signature))));
        headers.push(("Authentication-Results".into(), format!("spf=pass (sender IP is 10.0.0.1) smtp.mailfrom={domain}; dkim=pass (signature was verified) header.d={domain}; dmarc=pass action=none header.from={domain}")));
        headers.push(("X-MS-Exchange-Organization-Network-Message-Id".into(), uuid(r)));
        headers.push(("X-MS-Exchange-Organization-SCL".into(), "1".into()));
        headers
    }

    /// As it travels.
    pub fn mime(&self, r: &mut Rng) -> Vec<u8> {
        let mut o = String::new();
        for (name, value) in self.headers(r) {
            o.push_str(&format!("{name}: {value}\r\n"));
        }
        o.push_str(&format!("From: {} <{}>\r\nTo: ", self.from.name, self.from.address));
        o.push_str(
            &self.to.iter().map(|p| format!("{} <{}>", p.name, p.address)).collect::<Vec<_>>().join(",\r\n "),
        );
        o.push_str(&format!(
            "\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: {}\r\n",
            self.subject,
            date(self.date),
            self.id
        ));
        if let Some(last) = self.references.last() {
            o.push_str(&format!("In-Reply-To: {last}\r\nReferences: {}\r\n", self.references.join("\r\n ")));
        }
        let (mixed, alternative) = (format!("_004_{}_", uuid(r)), format!("_000_{}_", uuid(r)));
        o.push_str("MIME-Version: 1.0\r\n");
        if self.attachment.is_some() {
            o.push_str(&format!("Content-Type: multipart/mixed; boundary=\"{mixed}\"\r\n\r\n--{mixed}\r\n"));
        }
        o.push_str(&format!("Content-Type: multipart/alternative; boundary=\"{alternative}\"\r\n\r\n"));
        for (media, body) in [("plain", &self.text), ("html", &self.html)] {
            o.push_str(&format!("--{alternative}\r\nContent-Type: text/{media}; charset=\"utf-8\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n"));
        }
        o.push_str(&format!("--{alternative}--\r\n"));
        if let Some((name, media, bytes)) = &self.attachment {
            o.push_str(&format!("--{mixed}\r\nContent-Type: {media}; name=\"{name}\"\r\nContent-Disposition: attachment; filename=\"{name}\"; size={}\r\nContent-Transfer-Encoding: base64\r\n\r\n", bytes.len()));
            for line in base64(bytes).as_bytes().chunks(76) {
                o.push_str(std::str::from_utf8(line).unwrap());
                o.push_str("\r\n");
            }
            o.push_str(&format!("--{mixed}--\r\n"));
        }
        o.into_bytes()
    }

    /// As Microsoft Graph tells it.
    pub fn json(&self, r: &mut Rng) -> Vec<u8> {
        let address = |p: &Person| {
            format!(
                "{{\"emailAddress\":{{\"name\":{},\"address\":{}}}}}",
                quoted(&p.name),
                quoted(&p.address)
            )
        };
        let time = iso(self.date);
        let mut id = vec![0; 60];
        r.fill(&mut id);
        let id = format!("AAMkAGVmMDEzMTM4LTZmYWUtNDdkNC1hMDZiLTU1OGY5OTZhYmY4OABGAAAAAAA{}", base64(&id));
        let preview: String = self.text.chars().take(255).collect();
        let mut o = format!("{{\"@odata.etag\":\"W/\\\"CQAAABYAAAA{:016x}\\\"\",\"id\":\"{id}\",\"createdDateTime\":\"{time}\",\"lastModifiedDateTime\":\"{time}\",\"changeKey\":\"CQAAABYAAAA{:016x}\",\"categories\":[],\"receivedDateTime\":\"{time}\",\"sentDateTime\":\"{time}\",\"hasAttachments\":{},\"internetMessageId\":{},\"subject\":{},\"bodyPreview\":{},\"importance\":\"normal\",\"conversationId\":\"AAQkAGVm{:016x}\",\"isRead\":{},\"isDraft\":false,\"inferenceClassification\":\"focused\",", r.next(), r.next(), self.attachment.is_some(), quoted(&self.id), quoted(&self.subject), quoted(&preview), r.next(), r.below(4) > 0);
        o.push_str(&format!("\"body\":{{\"contentType\":\"html\",\"content\":{}}},", quoted(&self.html)));
        o.push_str(&format!("\"sender\":{0},\"from\":{0},\"toRecipients\":[{1}],\"ccRecipients\":[],\"bccRecipients\":[],\"replyTo\":[],\"flag\":{{\"flagStatus\":\"notFlagged\"}},", address(self.from), self.to.iter().map(|p| address(p)).collect::<Vec<_>>().join(",")));
        let headers = self
            .headers(r)
            .iter()
            .map(|(name, value)| format!("{{\"name\":{},\"value\":{}}}", quoted(name), quoted(value)))
            .collect::<Vec<_>>()
            .join(",");
        o.push_str(&format!("\"internetMessageHeaders\":[{headers}]"));
        if let Some((name, media, bytes)) = &self.attachment {
            o.push_str(&format!(",\"attachments\":[{{\"@odata.type\":\"#microsoft.graph.fileAttachment\",\"name\":{},\"contentType\":\"{media}\",\"size\":{},\"isInline\":false,\"contentBytes\":\"{}\"}}]", quoted(name), bytes.len(), base64(bytes)));
        }
        o.push_str("}\n");
        o.into_bytes()
    }
}

fn quoted(text: &str) -> String {
    let mut o = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => o.push_str("\\\""),
            '\\' => o.push_str("\\\\"),
            '\n' => o.push_str("\\n"),
            '\r' => o.push_str("\\r"),
            c => o.push(c),
        }
    }
    o.push('"');
    o
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut o = String::with_capacity(bytes.len() / 3 * 4 + 4);
    for three in bytes.chunks(3) {
        let n = three.iter().fold(0, |n, b| n << 8 | *b as u32) << (8 * (3 - three.len()));
        for i in 0..4 {
            o.push(if i > three.len() { '=' } else { LETTERS[(n >> (18 - 6 * i) & 63) as usize] as char });
        }
    }
    o
}

fn uuid(r: &mut Rng) -> String {
    let (a, b) = (r.next(), r.next());
    format!("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", a as u32, a >> 32 & 0xffff, a >> 48, b & 0xffff, b >> 16)
}

/// Year, month, day and seconds of the day.
pub fn calendar(seconds: u64) -> (u64, u64, u64, u64) {
    // Days since 0000-03-01, after Howard Hinnant's "chrono-compatible low-level date algorithms".
    let day = seconds / 86_400 + 719_468;
    let (era, in_era) = (day / 146_097, day % 146_097);
    let year = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let date = in_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + (month <= 2) as u64, month, date, seconds % 86_400)
}

fn iso(seconds: u64) -> String {
    let (year, month, day, s) = calendar(seconds);
    format!("{year}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", s / 3600, s / 60 % 60, s % 60)
}

fn date(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day, s) = calendar(seconds);
    format!(
        "{}, {day} {} {year} {:02}:{:02}:{:02} +0000",
        DAYS[(seconds / 86_400 % 7) as usize],
        MONTHS[month as usize - 1],
        s / 3600,
        s / 60 % 60,
        s % 60
    )
}
