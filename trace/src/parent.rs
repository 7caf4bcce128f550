//! The header `traceparent` of W3C Trace Context: which trace something belongs to, and which span
//! of that brought it about.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Of a version that is none.
const NO_VERSION: &str = "ff";
/// Of the version that is written here.
const VERSION: &str = "00";

/// Where something belongs in a trace. Of the vendors' own `tracestate` nothing is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace: TraceId,
    span: SpanId,
    flags: TraceFlags,
}

impl TraceParent {
    /// The trace, as 128 bits.
    pub fn trace(self) -> u128 {
        u128::from_be_bytes(self.trace.to_bytes())
    }

    /// Whether whoever began it has it recorded.
    pub fn is_sampled(self) -> bool {
        self.flags.is_sampled()
    }

    pub(crate) fn of(context: &SpanContext) -> Self {
        Self {
            trace: context.trace_id(),
            span: context.span_id(),
            flags: context.trace_flags() & TraceFlags::SAMPLED,
        }
    }

    pub(crate) fn context(self) -> SpanContext {
        SpanContext::new(self.trace, self.span, self.flags, true, TraceState::NONE)
    }
}

/// A text that is no `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTrace;

impl FromStr for TraceParent {
    type Err = NoTrace;

    /// Reads the header of this version, and of a newer one what this one has.
    fn from_str(text: &str) -> Result<Self, NoTrace> {
        let mut fields = text.split('-');
        let mut field = |length: usize| {
            let field = fields.next().filter(|field| field.len() == length);
            field.filter(|field| field.bytes().all(is_lower_hex)).ok_or(NoTrace)
        };
        let version = field(2)?;
        let (trace, span, flags) = (field(32)?, field(16)?, field(2)?);
        let has_more = fields.next().is_some();
        if version == NO_VERSION || (version == VERSION && has_more) {
            return Err(NoTrace);
        }
        let trace = TraceId::from_hex(trace).map_err(|_| NoTrace)?;
        let span = SpanId::from_hex(span).map_err(|_| NoTrace)?;
        if trace == TraceId::INVALID || span == SpanId::INVALID {
            return Err(NoTrace);
        }
        let flags = u8::from_str_radix(flags, 16).map_err(|_| NoTrace)?;
        Ok(Self { trace, span, flags: TraceFlags::new(flags) & TraceFlags::SAMPLED })
    }
}

fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{VERSION}-{}-{}-{:02x}", self.trace, self.span, self.flags)
    }
}

impl Serialize for TraceParent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TraceParent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(|NoTrace| serde::de::Error::custom("no traceparent"))
    }
}

impl JsonSchema for TraceParent {
    fn schema_name() -> Cow<'static, str> {
        "TraceParent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Where it belongs in a trace (W3C Trace Context).",
            "type": "string",
            "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn it_is_read_and_written_as_it_stands_in_the_header() {
        let parent: TraceParent = GIVEN.parse().unwrap();
        assert_eq!(parent.to_string(), GIVEN);
        assert_eq!(parent.trace(), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert!(parent.is_sampled());
        let json = serde_json::to_string(&parent).unwrap();
        assert_eq!(json, format!("\"{GIVEN}\""));
        assert_eq!(serde_json::from_str::<TraceParent>(&json).unwrap(), parent);
        assert_eq!(TraceParent::of(&parent.context()), parent);
    }

    /// Flags that this version does not know are not passed on, and a newer version may say more.
    #[test]
    fn of_what_a_newer_version_says_what_is_known_is_taken() {
        let newer = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-07-what-else";
        assert_eq!(newer.parse::<TraceParent>().unwrap().to_string(), GIVEN);
        let unsampled = GIVEN.replace("-01", "-02").parse::<TraceParent>().unwrap();
        assert!(unsampled.to_string().ends_with("-00") && !unsampled.is_sampled());
    }

    #[test]
    fn what_is_none_is_refused() {
        for wrong in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7a-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(wrong.parse::<TraceParent>(), Err(NoTrace), "{wrong}");
        }
    }
}
