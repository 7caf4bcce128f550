//! A body cut into lines as it streams in. Never holds more than one line and one chunk: a line
//! over the limit is reported and passed over without being kept.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use tokio::time::{Instant, timeout_at};

/// The longest line, in bytes.
pub const LINE_BYTES_MAX: usize = 1 << 20;
/// How long the caller may leave the next line waiting, all of it.
pub const SILENCE_MAX: Duration = Duration::from_mins(1);

/// One line, without its line feed.
#[derive(Debug, PartialEq, Eq)]
pub enum RawLine {
    /// Its bytes.
    Bytes(Bytes),
    /// It was longer than [`LINE_BYTES_MAX`].
    TooLong,
}

/// Why there are no more lines, though the body has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenOff {
    /// No whole line came in time.
    #[error("no line came for too long")]
    Silent,
    /// The connection broke, or was closed half-way.
    #[error("the body ended early")]
    Disconnected,
}

/// The lines of a body.
pub struct Lines {
    body: BodyDataStream,
    buffer: BytesMut,
    /// How much of the buffer is known to hold no line feed.
    searched: usize,
    /// Whether the line that is coming in is already over the limit.
    too_long: bool,
    ended: bool,
}

impl Lines {
    /// Cuts up `body`.
    pub fn new(body: Body) -> Self {
        let body = body.into_data_stream();
        Self { body, buffer: BytesMut::new(), searched: 0, too_long: false, ended: false }
    }

    /// The next line, which is there until the deadline; `None` at the end. What follows the last
    /// line feed is a line too, unless it is empty.
    ///
    /// # Errors
    /// If the body did not go on or end properly; the half line that may have come is dropped.
    pub async fn next(&mut self, deadline: Instant) -> Result<Option<RawLine>, BrokenOff> {
        loop {
            if let Some(line) = self.cut() {
                return Ok(Some(line));
            }
            if self.ended {
                let rest = self.buffer.split().freeze();
                self.searched = 0;
                let over = std::mem::take(&mut self.too_long);
                let last = (!rest.is_empty()).then_some(RawLine::Bytes(rest));
                return Ok(if over { Some(RawLine::TooLong) } else { last });
            }
            // The next piece may be there at once, and the next, and none of them ends the line.
            if Instant::now() >= deadline {
                return Err(BrokenOff::Silent);
            }
            match timeout_at(deadline, self.body.next()).await {
                Err(_) => return Err(BrokenOff::Silent),
                Ok(Some(Err(_))) => return Err(BrokenOff::Disconnected),
                Ok(Some(Ok(chunk))) => self.buffer.extend_from_slice(&chunk),
                Ok(None) => self.ended = true,
            }
        }
    }

    /// A whole line, if the buffer holds one.
    fn cut(&mut self) -> Option<RawLine> {
        let end = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n');
        let Some(end) = end.map(|end| self.searched + end) else {
            if self.buffer.len() > LINE_BYTES_MAX {
                self.too_long = true;
            }
            if self.too_long {
                self.buffer.clear();
            }
            self.searched = self.buffer.len();
            return None;
        };
        let mut line = self.buffer.split_to(end + 1);
        line.truncate(end);
        self.searched = 0;
        let over = std::mem::take(&mut self.too_long) || line.len() > LINE_BYTES_MAX;
        Some(if over { RawLine::TooLong } else { RawLine::Bytes(line.freeze()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + SILENCE_MAX
    }

    async fn lines_of(chunks: Vec<&'static [u8]>) -> Vec<RawLine> {
        let chunks = chunks.into_iter().map(|chunk| Ok::<_, std::io::Error>(Bytes::from(chunk)));
        let mut lines = Lines::new(Body::from_stream(futures::stream::iter(chunks)));
        let mut all = vec![];
        while let Some(line) = lines.next(soon()).await.unwrap() {
            all.push(line);
        }
        all
    }

    fn line(text: &'static str) -> RawLine {
        RawLine::Bytes(Bytes::from(text))
    }

    #[tokio::test]
    async fn lines_are_cut_wherever_the_chunks_end() {
        let all = lines_of(vec![b"on", b"e\n\ntw", b"o\nthree"]).await;
        assert_eq!(all, [line("one"), line(""), line("two"), line("three")]);
        assert_eq!(lines_of(vec![b"one\n"]).await, [line("one")]);
        assert_eq!(lines_of(vec![]).await, []);
    }

    #[tokio::test]
    async fn a_line_over_the_limit_is_passed_over() {
        static HALF: [u8; LINE_BYTES_MAX / 2 + 1] = [b'x'; LINE_BYTES_MAX / 2 + 1];
        let all = lines_of(vec![b"one\n", &HALF, &HALF, &HALF, b"\ntwo\n", &HALF, &HALF]).await;
        assert_eq!(all, [line("one"), RawLine::TooLong, line("two"), RawLine::TooLong]);
    }

    #[tokio::test]
    async fn a_line_that_comes_byte_by_byte_is_not_waited_for_for_ever() {
        let bytes =
            futures::stream::repeat(Ok::<_, std::convert::Infallible>(Bytes::from_static(b"x")));
        let bytes = bytes.then(|byte| async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            byte
        });
        let mut lines = Lines::new(Body::from_stream(bytes));
        let deadline = Instant::now() + Duration::from_millis(50);
        assert_eq!(lines.next(deadline).await, Err(BrokenOff::Silent));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_drops_its_half_line() {
        let chunks = [Ok(Bytes::from("one\ntw")), Err(std::io::Error::other("gone"))];
        let mut lines = Lines::new(Body::from_stream(futures::stream::iter(chunks)));
        assert_eq!(lines.next(soon()).await, Ok(Some(line("one"))));
        assert_eq!(lines.next(soon()).await, Err(BrokenOff::Disconnected));
    }
}
