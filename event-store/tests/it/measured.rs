//! What the writer says of itself in numbers.

use std::time::Duration;

use event_store::SubmitError;
use futures::future::join_all;
use metrics_exporter_prometheus::PrometheusBuilder;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::support::{cart_id, create_cart, request, writer};

/// Who looks while the log is away sees that commands wait for it, and afterwards that none does.
#[sqlx::test(migrations = "../migrations")]
async fn what_waits_for_a_log_that_is_away_is_seen(db: PgPool) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let numbers = recorder.handle();
    // Of this thread, on which the writer's task runs too.
    let _recording = metrics::set_default_local_recorder(&recorder);
    let until_waiting = async |count: &str| {
        let line = format!("writer_queue_commands {count}\n");
        while !numbers.render().contains(&line) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let nobody = (*db.connect_options()).clone().port(9);
    let writer = writer(&PgPoolOptions::new().connect_lazy_with(nobody));
    let commands = (0..3).map(|_| writer.submit(request(create_cart(cart_id()))));
    let (answers, ()) = tokio::join!(join_all(commands), until_waiting("3"));
    for answer in answers {
        assert_eq!(answer, Err(SubmitError::Unavailable));
    }
    until_waiting("0").await;
}
