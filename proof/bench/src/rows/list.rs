//! Every row, in the order of the table.
//!
//! xtask reads this file too, for its help, long before the bench is built: nothing may be named
//! here that is not in it.

/// Hands the rows to the macro `$to`. A line each: the file in `rows/`, the name on the command
/// line and in the table, whether it runs when no row is named, and what is measured against what.
macro_rules! rows {
    ($to:ident) => {
        $to! {
            append "append" true
                "durable cart commands over HTTP, against one INSERT per transaction";
            signed "signed" true
                "the commands of append as guests who send a token, against the same without one";
            checkout "checkout" true
                "whole checkouts until confirmed, all of the engine running, against row append";
            in_process "in-process" true
                "the same commands without HTTP, against one INSERT per transaction and other \
libraries";
            batch "batch" true
                "commands through POST /v1/batch, against COPY of the same events";
            hot "hot" true
                "commands to one SKU through two command-apis, against row append";
            fold "fold" true
                "first command on a stream of 100,000 events, cold, against a stream of 10";
            relay "relay" true
                "events from the log to JetStream, against raw pipelined publishing";
            rebuild "rebuild" true
                "the orders read model from the log, against COPY of the log to nowhere";
            rebuild_search "rebuild-search" true
                "documents into Meilisearch, against the same ones posted raw";
            freshness "freshness" true
                "command's answer to visible read, at half load, against two commits and a NATS \
hop";
            read "read" true
                "GET /v1/products/{id}, against a bare handler with the same query";
            search "search" true
                "GET /v1/search, against Meilisearch asked directly";
            held "held" false
                "appends and fresh reads behind a snapshot that is open for an hour of batches, \
against the same before it";
            scale "scale" false
                "start-up, appends, reads and memory on logs of 10 thousand to 10 million events";
        }
    };
}
