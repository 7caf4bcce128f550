//! Answers packed for who asks for that (RFC 9110, 12.5.3): `zstd`, `br` or `gzip`.
//!
//! Only what is whole in memory, so that it keeps a known length and what is not taken of it is
//! counted as it is sent; a stream goes out as it comes. Only what has no strong tag: such a tag
//! is of the bytes that are sent, and callers show it again in `If-Match`.

use std::io::{self, Write as _};
use std::sync::LazyLock;
use std::thread::available_parallelism;

use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Bytes below which an answer is sent as it is: it fits one packet of most networks.
const BYTES_MIN: usize = 1_400;
/// Bytes above which it is: packing one would keep a processor for a tenth of a second.
const BYTES_MAX: usize = 8 << 20;
/// How hard is tried, where twice the time saves a twentieth of the bytes.
const GZIP_LEVEL: u32 = 5;
const BROTLI_QUALITY: u32 = 4;
const BROTLI_WINDOW_BITS: u32 = 20;
const ZSTD_LEVEL: i32 = 3;
/// Bytes that brotli writes at once.
const BROTLI_BUFFER_BYTES: usize = 4_096;

/// Packed at once, as many as there are processors. Whoever finds no place is answered as it is: a
/// process that has much to do sends more, and does not wait.
static PLACES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, usize::from)));

/// A way of packing, by its name in `Content-Encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// `zstd` (RFC 8878).
    Zstd,
    /// `br` (RFC 7932).
    Brotli,
    /// `gzip` (RFC 1952).
    Gzip,
}

impl Coding {
    /// The better first.
    const ALL: [Self; 3] = [Self::Zstd, Self::Brotli, Self::Gzip];

    fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    fn pack(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let packed = Vec::with_capacity(bytes.len() / 4);
        match self {
            Self::Zstd => zstd::stream::encode_all(bytes, ZSTD_LEVEL),
            Self::Brotli => {
                let mut to = brotli::CompressorWriter::new(
                    packed,
                    BROTLI_BUFFER_BYTES,
                    BROTLI_QUALITY,
                    BROTLI_WINDOW_BITS,
                );
                to.write_all(bytes)?;
                Ok(to.into_inner())
            }
            Self::Gzip => {
                let mut to =
                    flate2::write::GzEncoder::new(packed, flate2::Compression::new(GZIP_LEVEL));
                to.write_all(bytes)?;
                to.finish()
            }
        }
    }
}

/// The answer, packed where that is wanted and can be.
pub async fn pack(mut response: Response, wanted: Option<Coding>) -> Response {
    if !may_be_packed(&response) {
        return response;
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_name(header::ACCEPT_ENCODING));
    match wanted.filter(|_| response.status() == StatusCode::OK) {
        Some(coding) => packed(response, coding).await,
        None => response,
    }
}

/// Whether another who asks for the same might be sent it packed: one that has it already too.
fn may_be_packed(response: &Response) -> bool {
    let headers = response.headers();
    let tag = headers.get(header::ETAG).map(HeaderValue::as_bytes);
    if tag.is_some_and(|tag| !tag.starts_with(b"W/")) {
        return false;
    }
    if response.status() == StatusCode::NOT_MODIFIED {
        return true;
    }
    let length = response.body().size_hint().exact().and_then(|it| usize::try_from(it).ok());
    response.status() == StatusCode::OK
        && !headers.contains_key(header::CONTENT_ENCODING)
        && length.is_some_and(|bytes| (BYTES_MIN..=BYTES_MAX).contains(&bytes))
}

async fn packed(response: Response, coding: Coding) -> Response {
    let Ok(place) = PLACES.try_acquire() else { return response };
    let (mut parts, body) = response.into_parts();
    // It is in memory, so nothing comes between.
    let Ok(whole) = to_bytes(body, BYTES_MAX).await else {
        return Response::from_parts(parts, Body::empty());
    };
    let to_pack = whole.clone();
    let packing = spawn_blocking(move || {
        let _place = place;
        coding.pack(&to_pack)
    });
    let smaller = match packing.await {
        Ok(Ok(packed)) if packed.len() < whole.len() => Bytes::from(packed),
        _ => return Response::from_parts(parts, whole.into()),
    };
    let name = HeaderValue::from_static(coding.name());
    parts.headers.insert(header::CONTENT_ENCODING, name);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, smaller.into())
}

/// What is wanted most, and of what is wanted alike the best; nothing, where it is to be sent as it
/// is.
pub fn wanted(headers: &HeaderMap) -> Option<Coding> {
    let said = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|it| it.to_str().ok());
    let said: Vec<(&str, f32)> = said.flat_map(|it| it.split(',')).filter_map(weighed).collect();
    let weight = |name: &str| {
        let of = |name: &str| said.iter().find(|(it, _)| it.eq_ignore_ascii_case(name));
        of(name).or_else(|| of("*")).map_or(0.0, |(_, weight)| *weight)
    };
    let all = Coding::ALL.into_iter().map(|coding| (coding, weight(coding.name())));
    let plain = said.iter().find(|(name, _)| name.eq_ignore_ascii_case("identity"));
    let least = plain.map_or(0.0, |(_, weight)| *weight);
    let mut best: Option<(Coding, f32)> = None;
    for (coding, weight) in all.filter(|(_, weight)| *weight > 0.0 && *weight >= least) {
        if best.is_none_or(|(_, most)| weight > most) {
            best = Some((coding, weight));
        }
    }
    best.map(|(coding, _)| coding)
}

/// A coding with its weight, 1 unless it is said; what cannot be read is not wanted.
fn weighed(said: &str) -> Option<(&str, f32)> {
    let mut parts = said.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let weight = parts.find_map(|it| it.strip_prefix("q=").or_else(|| it.strip_prefix("Q=")));
    Some((name, weight.map_or(1.0, |it| it.parse().unwrap_or(0.0))))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use axum::response::IntoResponse as _;
    use futures::stream;

    use super::*;

    fn choice(said: &str) -> Option<Coding> {
        wanted(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, said.parse().unwrap())]))
    }

    #[test]
    fn what_is_wanted_most_is_given() {
        for (said, wanted) in [
            ("gzip, deflate, br, zstd", Some(Coding::Zstd)),
            ("gzip, deflate, br", Some(Coding::Brotli)),
            ("GZIP", Some(Coding::Gzip)),
            ("br;q=0.5, gzip;q=0.8", Some(Coding::Gzip)),
            ("*", Some(Coding::Zstd)),
            ("zstd;q=0, *;q=0.1", Some(Coding::Brotli)),
            ("gzip;q=0", None),
            ("gzip;q=0.5, identity", None),
            ("identity;q=0.5, gzip", Some(Coding::Gzip)),
            ("gzip;q=many", None),
            ("deflate, compress", None),
            ("", None),
        ] {
            assert_eq!(choice(said), wanted, "{said}");
        }
        assert_eq!(wanted(&HeaderMap::new()), None);
    }

    fn unpacked(coding: &str, bytes: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        match coding {
            "zstd" => plain = zstd::stream::decode_all(bytes).unwrap(),
            "br" => drop(brotli::Decompressor::new(bytes, 4_096).read_to_end(&mut plain).unwrap()),
            "gzip" => drop(flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap()),
            other => panic!("{other}"),
        }
        plain
    }

    /// What is answered as this, in what coding, with what else it may vary by.
    async fn answered(response: fn() -> Response, coding: &str) -> (Option<String>, bool, Vec<u8>) {
        let (parts, body) = pack(response(), choice(coding)).await.into_parts();
        let coding = parts.headers.get(header::CONTENT_ENCODING);
        let coding = coding.map(|it| it.to_str().unwrap().to_owned());
        let varies = parts.headers.get(header::VARY).is_some_and(|it| it == "accept-encoding");
        (coding, varies, to_bytes(body, BYTES_MAX).await.unwrap().to_vec())
    }

    fn page() -> String {
        "{\"title\":\"Tote\"},".repeat(1_000)
    }

    #[tokio::test]
    async fn what_is_long_and_has_no_strong_tag_is_packed() {
        for coding in ["zstd", "br", "gzip"] {
            let tagged = || ([(header::ETAG, "W/\"1\"")], page()).into_response();
            for response in [tagged, || page().into_response()] {
                let (told, varies, bytes) = answered(response, coding).await;
                assert_eq!((told.as_deref(), varies), (Some(coding), true));
                assert!(bytes.len() * 10 < page().len(), "{coding}: {}", bytes.len());
                assert_eq!(unpacked(coding, &bytes), page().as_bytes(), "{coding}");
            }
        }
    }

    #[tokio::test]
    async fn all_else_goes_as_it_is() {
        let tagged = || ([(header::ETAG, "\"1\"")], page()).into_response();
        let short = || "x".repeat(BYTES_MIN - 1).into_response();
        let streamed = || {
            let frames = stream::iter([Ok::<_, io::Error>(Bytes::from(page()))]);
            Body::from_stream(frames).into_response()
        };
        let failed = || (StatusCode::BAD_REQUEST, page()).into_response();
        let packed = || ([(header::CONTENT_ENCODING, "br")], page()).into_response();
        for response in [tagged, short, streamed, failed, packed] {
            let (told, varies, bytes) = answered(response, "gzip").await;
            assert_ne!(told.as_deref(), Some("gzip"));
            assert!(!varies && !bytes.is_empty());
        }
        // Who asks for none is told that others are sent something else.
        let (told, varies, bytes) = answered(|| page().into_response(), "identity").await;
        assert_eq!((told, varies, bytes), (None, true, page().into_bytes()));
        let same = || (StatusCode::NOT_MODIFIED, [(header::ETAG, "W/\"1\"")]).into_response();
        assert!(answered(same, "gzip").await.1);
    }
}
