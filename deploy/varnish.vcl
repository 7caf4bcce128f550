# Varnish in front of query-api: it keeps what strangers are shown of the catalogue, for as long as
# query-api says, and forgets by tag what the reactor tells it to (docs/caching.md). For Varnish 6.6
# or newer: `varnishd -f varnish.vcl -a :8080`. Whatever ends TLS stands before it.

vcl 4.1;

backend default {
    .host = "query-api";
    .port = "8081";
}

# Where the reactor is.
acl purgers {
    "127.0.0.1";
    "::1";
    "10.0.0.0"/8;
    "172.16.0.0"/12;
    "192.168.0.0"/16;
}

sub vcl_recv {
    if (req.method == "PURGE") {
        if (client.ip !~ purgers) {
            return (synth(403));
        }
        if (req.http.Surrogate-Key !~ "^[a-z0-9 -]+$") {
            return (synth(400));
        }
        ban("obj.http.Surrogate-Key ~ (^|\s)("
            + regsuball(req.http.Surrogate-Key, " +", "|") + ")(\s|$)");
        return (synth(200));
    }
    # A WebSocket is passed on as it is.
    if (req.http.Upgrade ~ "(?i)websocket") {
        return (pipe);
    }
    # The rest is as Varnish does it by itself: whoever shows a token or a cookie asks query-api.
}

sub vcl_pipe {
    if (req.http.Upgrade) {
        set bereq.http.Upgrade = req.http.Upgrade;
        set bereq.http.Connection = req.http.Connection;
    }
}

sub vcl_deliver {
    unset resp.http.Surrogate-Key;
}
