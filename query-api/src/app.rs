//! What all routes share.

use std::ops::Deref;
use std::sync::Arc;

use async_nats::jetstream;
use identity::Guard;
use service::config;
use service::cors::Origins;
use sqlx::PgPool;
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};
use vault::index::WordIndex;

use crate::caching::Caching;
use crate::live::Live;
use crate::log::Log;
use crate::past::Past;
use crate::places::Places;
use crate::progress::Progress;
use crate::queue::Queue;
use crate::search::meili::Meili;
use crate::search::postgres::Catalogue;

/// The most exports of the log under way at once.
pub const EXPORTS_MAX: usize = 16;

/// What the process was told.
#[derive(Clone)]
pub struct Settings {
    /// Where Meilisearch is.
    pub search: config::Search,
    /// The index that holds the catalogue.
    pub index: String,
    /// NATS, where there is one.
    pub bus: Option<async_nats::Client>,
    /// The name of the `JetStream` stream that carries the log.
    pub stream: String,
    /// Who knows who asks.
    pub guard: Guard,
    /// By what people are found, where they may be.
    pub index_key: Option<Arc<WordIndex>>,
    /// What caches in front may keep.
    pub caching: Caching,
    /// The pages that may open a WebSocket.
    pub origins: Origins,
    /// Proxies in front, which say where a request comes from.
    pub proxies: u8,
}

/// The state of every route. One pointer, for axum clones it with each request: the parts cloned
/// one by one were 2 % of what a one-row read takes.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// What [`App`] shares.
pub struct Shared {
    pub(crate) db: PgPool,
    pub(crate) log: Arc<Log>,
    pub(crate) queue: Queue,
    pub(crate) progress: Progress,
    pub(crate) meili: Arc<Meili>,
    pub(crate) live: Live,
    pub(crate) following: Places,
    pub(crate) exports: Arc<Semaphore>,
    pub(crate) past: Past,
    pub(crate) catalogue: Catalogue,
    pub(crate) bus: Option<async_nats::Client>,
    pub(crate) guard: Guard,
    pub(crate) index_key: Option<Arc<WordIndex>>,
    pub(crate) caching: Caching,
    pub(crate) origins: Origins,
    pub(crate) proxies: u8,
    /// Ends what runs behind the routes, once nobody can ask any more.
    _ended: DropGuard,
}

impl App {
    /// Starts what runs behind the routes. Streams without an end end with `stop`; what wakes those
    /// who wait runs on until the last of them was answered, which is when the routes are dropped.
    ///
    /// An error means that Meilisearch's key cannot be sent.
    pub fn start(
        db: PgPool,
        settings: Settings,
        stop: CancellationToken,
    ) -> Result<Self, meilisearch_sdk::errors::Error> {
        let (queue, ended) = (Queue::new(db.clone()), CancellationToken::new());
        let jetstream = settings.bus.clone().map(jetstream::new);
        let bus = settings.bus.clone().map(|client| (client, settings.stream.clone()));
        let meili = Arc::new(Meili::new(&settings.search, &settings.index)?);
        let looked_after = meili.clone();
        let looking_after = async move { looked_after.look_after().await };
        tokio::spawn(stop.clone().run_until_cancelled_owned(looking_after));
        Ok(Self(Arc::new(Shared {
            progress: Progress::start(db.clone(), queue.clone(), bus, ended.clone()),
            live: Live::start(db.clone(), jetstream, settings.stream, stop),
            following: Places::default(),
            exports: Arc::new(Semaphore::new(EXPORTS_MAX)),
            past: Past::new(queue.clone()),
            catalogue: Catalogue::new(&db),
            meili,
            bus: settings.bus,
            guard: settings.guard,
            index_key: settings.index_key,
            caching: settings.caching,
            origins: settings.origins,
            proxies: settings.proxies,
            log: Arc::new(Log::new(db.clone(), queue.clone())),
            _ended: ended.drop_guard(),
            queue,
            db,
        })))
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
