# The network on paper: which addresses are whose, and who may speak to whom.

locals {
  zones = ["a", "b"]

  # Two subnets of each sort, one a zone. Tasks have an address each, hence the large ones.
  blocks = cidrsubnets(var.cidr, 4, 4, 8, 8, 8, 8)
  subnets = merge([
    for number, zone in local.zones : {
      # What runs: programs, NATS, Meilisearch. They reach the internet, which does not reach them.
      "private-${zone}" = { tier = "private", zone = "${var.region}${zone}", cidr = local.blocks[number] }
      # What the internet reaches: the load balancer, and the way out.
      "public-${zone}" = { tier = "public", zone = "${var.region}${zone}", cidr = local.blocks[2 + number] }
      # Postgres, which reaches nothing and is reached from the private ones alone.
      "data-${zone}" = { tier = "data", zone = "${var.region}${zone}", cidr = local.blocks[4 + number] }
    }
  ]...)

  # NAT gateways stand in the public subnets; with one, the other zone goes through it.
  nat_zones = slice(local.zones, 0, local.size.nat_gateways)
  nat_of    = { for number, zone in local.zones : zone => local.nat_zones[min(number, length(local.nat_zones) - 1)] }

  # Groups of what stands behind the same security group.
  groups = concat(["edge", "database", "nats", "meilisearch", "by-hand"], keys(local.programs))

  # Who may open a connection to whom, by port. Nothing else may.
  flows = concat(
    [
      { from = "internet", to = "edge", port = 443, why = "callers" },
      { from = "internet", to = "edge", port = 80, why = "callers who are sent on to 443" },
    ],
    flatten([
      for name, program in local.programs : concat(
        program.host == null ? [] : [
          { from = "edge", to = name, port = program.port, why = "requests" },
          { from = "edge", to = name, port = program.ops_port, why = "GET /ready" },
        ],
        [{ from = name, to = "database", port = 5432, why = "the log and the read models" }],
        program.nats ? [{ from = name, to = "nats", port = 4222, why = "the fan-out" }] : [],
        program.search ? [{ from = name, to = "meilisearch", port = 7700, why = "the catalogue" }] : [],
        # Images, secrets and logs of AWS; gateways of payments; receivers of webhooks.
        [{ from = name, to = "internet", port = 443, why = "AWS, gateways and webhooks" }],
        [for port in program.mail ? [465, 587] : [] : { from = name, to = "internet", port = port, why = "mails" }],
      )
    ]),
    [
      { from = "by-hand", to = "database", port = 5432, why = "migrations and logins" },
      { from = "by-hand", to = "internet", port = 443, why = "AWS" },
      { from = "nats", to = "internet", port = 443, why = "AWS" },
      { from = "meilisearch", to = "internet", port = 443, why = "AWS" },
    ],
  )
}
