//! Where the shop's mails arrive: takes each, and keeps to whom it goes, its subject and its code.
//! As much of SMTP as a server needs that refuses nothing, so that none of the engine's crates is
//! asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

/// How long a mail may take.
const PATIENCE: Duration = Duration::from_mins(3);
/// The pause between two looks.
const POLL: Duration = Duration::from_millis(50);

/// A mail that came.
#[derive(Clone, Default)]
struct Mail {
    to: String,
    subject: String,
    /// What its link brings back, if it has one.
    code: Option<String>,
}

/// All that came.
#[derive(Default)]
pub struct Inbox(Arc<Mutex<Vec<Mail>>>);

impl Inbox {
    /// Takes mails at that port, as long as the tour lasts.
    pub async fn open(port: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let inbox = Self::default();
        let mails = inbox.0.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mails = mails.clone();
                tokio::spawn(async move { take(stream, &mails).await });
            }
        });
        Ok(inbox)
    }

    /// Waits until somebody was written to with these words in the subject.
    pub async fn has(&self, to: &str, subject: &str) -> Result<()> {
        self.hears(to, subject).await.map(drop)
    }

    /// The same; the code in that mail.
    pub async fn code(&self, to: &str, subject: &str) -> Result<String> {
        self.hears(to, subject).await?.code.context("the mail has no code")
    }

    async fn hears(&self, to: &str, subject: &str) -> Result<Mail> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mails = self.0.lock().map_or_else(|_| Vec::new(), |mails| mails.clone());
            let theirs: Vec<_> = mails.into_iter().filter(|mail| mail.to == to).collect();
            if let Some(it) = theirs.iter().find(|mail| mail.subject.contains(subject)) {
                return Ok(it.clone());
            }
            let subjects: Vec<_> = theirs.iter().map(|mail| &*mail.subject).collect();
            ensure!(Instant::now() < deadline, "no mail '{subject}', only {subjects:?}");
            sleep(POLL).await;
        }
    }
}

/// Speaks with one that brings mails.
async fn take(stream: TcpStream, mails: &Mutex<Vec<Mail>>) -> Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading).lines();
    let (mut mail, mut text, mut in_text) = (Mail::default(), String::new(), false);
    writing.write_all(b"220 tour\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        if in_text && line != "." {
            text.push_str(&line);
            text.push('\n');
            continue;
        }
        let answer = match line.split_once([' ', ':']).map_or(&*line, |(verb, _)| verb) {
            "." => {
                in_text = false;
                let text = std::mem::take(&mut text);
                (mail.subject, mail.code) = (subject(&text), code(&text));
                if let Ok(mut mails) = mails.lock() {
                    mails.push(std::mem::take(&mut mail));
                }
                "250 kept"
            }
            "RCPT" => {
                let to = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
                mail.to = to.map_or_else(String::new, |(to, _)| to.to_owned());
                "250 known"
            }
            "DATA" => {
                in_text = true;
                "354 go on"
            }
            "QUIT" => "221 goodbye",
            _ => "250 good",
        };
        writing.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// What the link brings back. A line that is long, or has letters that ASCII lacks, has it quoted
/// (RFC 2045, 6.7): broken by an equals sign at its end, and each other such sign as `=3D`.
fn code(mail: &str) -> Option<String> {
    let mail = mail.replace("=\n", "").replace("=3D", "=");
    let (_, rest) = mail.split_once("code=")?;
    rest.split_whitespace().next().map(str::to_owned)
}

/// A line of a header may go on in the next.
fn subject(mail: &str) -> String {
    let unfolded = mail.replace("\n ", " ");
    let subject = unfolded.lines().find_map(|line| line.strip_prefix("Subject: "));
    subject.unwrap_or_default().to_owned()
}
