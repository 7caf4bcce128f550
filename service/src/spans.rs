//! Where spans go, if somebody takes them: in lots, by OTLP over HTTP, from a thread of their own.
//! Who does not take them costs spans, never a request.
//!
//! What OpenTelemetry's specification has variables for is read from those: `OTEL_SERVICE_NAME`,
//! `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_BSP_*`.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use axum::http::{Request, Response};
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use opentelemetry::KeyValue;
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use reqwest::{Client, redirect, retry};
use tokio::runtime::Handle;

use crate::build;
use crate::config::{SpansTo, Wrong};
use crate::outage::Outage;

/// The setting.
const SETTING: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const CREDENTIALS: &str =
    "holds what looks like credentials: they belong into OTEL_EXPORTER_OTLP_HEADERS";
/// Where spans are taken below it.
const PATH: &str = "/v1/traces";
/// How long a lot may be on its way.
const SEND_TIME_MAX: Duration = Duration::from_secs(10);
/// How long the last lot may take, when the process ends.
const LAST_TIME_MAX: Duration = Duration::from_secs(2);
/// The attribute that holds the name of a service, in OpenTelemetry's conventions.
const SERVICE: &str = "service.name";
/// And its version.
const VERSION: &str = "service.version";
/// Says how a program is called where several of one kind are watched as different services.
const SERVICE_SETTING: &str = "OTEL_SERVICE_NAME";

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Refuses what would be shown where it must not: credentials have a variable of their own.
pub(crate) fn check(endpoint: &SpansTo) -> Result<(), Wrong> {
    if endpoint.url().contains('@') {
        return Err(Wrong::new(SETTING, CREDENTIALS));
    }
    Ok(())
}

/// Sends the spans of this process there from now on. Once in a process.
pub(crate) fn begin(endpoint: &SpansTo, service: &'static str) -> Result<(), Wrong> {
    let wrong = |error: &dyn fmt::Display| Wrong::new(SETTING, error.to_string());
    let client = Client::builder()
        .timeout(SEND_TIME_MAX)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .build()
        .map_err(|error| wrong(&error))?;
    let runtime = Handle::current();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}{PATH}", endpoint.url()))
        .with_http_client(Taker { client, runtime, outage: Outage::new("the taker of spans") })
        .build()
        .map_err(|error| wrong(&error))?;
    let name = std::env::var(SERVICE_SETTING).ok().filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| service.to_owned());
    let told = [KeyValue::new(SERVICE, name), KeyValue::new(VERSION, build::VERSION)];
    let resource = Resource::builder().with_attributes(told).build();
    let provider =
        SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build();
    trace::record_with(BoxedTracer::new(Box::new(provider.tracer(service))));
    let _said_before = PROVIDER.set(provider);
    Ok(())
}

/// Sends what has not gone yet, as far as somebody takes it soon.
pub(crate) async fn flush() {
    let Some(provider) = PROVIDER.get() else { return };
    let flushing = tokio::task::spawn_blocking(|| provider.force_flush());
    // What is lost then was told when it began to be.
    let _in_time = tokio::time::timeout(LAST_TIME_MAX, flushing).await;
}

/// Whoever takes spans. It is asked from a thread that no runtime drives.
#[derive(Debug)]
struct Taker {
    client: Client,
    runtime: Handle,
    outage: Outage,
}

impl Taker {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (client, request) = (self.client.clone(), request.try_into()?);
        let taking = async move {
            let answer = client.execute(request).await?;
            let mut response = Response::builder().status(answer.status());
            for (name, value) in answer.headers() {
                response = response.header(name, value);
            }
            Ok::<_, HttpError>(response.body(answer.bytes().await?)?)
        };
        self.runtime.spawn(taking).await?
    }
}

// As `async_trait` would write it, which the trait is made with.
impl HttpClient for Taker {
    fn send_bytes<'a: 'b, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> BoxFuture<'b, Result<Response<Bytes>, HttpError>>
    where
        Self: 'b,
    {
        async move {
            let taken = self.send(request).await;
            match &taken {
                Ok(answer) if answer.status().is_success() => {
                    self.outage.ended();
                }
                Ok(answer) => {
                    self.outage.goes_on(&answer.status());
                }
                Err(error) => {
                    self.outage.goes_on(error);
                }
            }
            taken
        }
        .boxed()
    }
}
