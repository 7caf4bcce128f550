# What each program is told, by the names that deploy/README.md explains. What `EXPOSED` demands is
# all here: rates, a proxy in front, a port for operations, a second factor, no sandbox.

locals {
  # Kept as long as the routing may take to follow, before the 45 seconds that a program may take.
  drain_delay  = 15
  stop_timeout = 45 + local.drain_delay

  # Of all programs. The host of Postgres is put in where it is known.
  common = {
    LOG_FORMAT      = "json"
    TRUSTED_NETWORK = "true"
  }
  identity = { ACCESS = "asked", ISSUER = "https://${local.programs.command-api.host}" }
  search   = { MEILI_URL = "http://meilisearch.${local.inner}:7700" }
  exposed = {
    EXPOSED           = "true"
    PROXIES           = "1"
    RATE_LIMIT        = tostring(local.size.rate_limit)
    STRICT_RATE_LIMIT = "30"
    DRAIN_DELAY       = tostring(local.drain_delay)
  }
  shop = { SHOP_URL = "https://${var.domain}", SANDBOX = "false" }

  settings_of = {
    command-api = merge(local.common, local.identity, local.exposed, local.shop, {
      STAFF_TOTP             = "required"
      REACTOR                = "off"
      EVENT_STREAM_BYTES_MAX = tostring(local.size.nats_bytes)
      PUBLIC_QUERY_URL       = "https://${local.programs.query-api.host}"
    })
    query-api = merge(local.common, local.identity, local.exposed, local.search)
    projector = merge(local.common, local.identity, local.search)
    reactor   = merge(local.common, local.shop)
  }

  # Those that the service itself gives.
  settings = {
    for name, service in local.services : name => merge(
      local.settings_of[service.program],
      { LISTEN = "0.0.0.0:${local.programs[service.program].port}", DATABASE_CONNECTIONS = tostring(service.size.connections) },
      local.programs[service.program].host == null ? {} : {
        OPS_LISTEN = "0.0.0.0:${local.programs[service.program].ops_port}"
      },
    )
  }

  # With a password apart, in PGPASSWORD, so that it stands in no definition of a task.
  database_url = "postgres://%s@%s:5432/commerce?sslmode=verify-full"
}
