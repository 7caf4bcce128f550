# What a size costs a month, roughly: what always runs, without traffic, requests, logs and backups
# beyond the size of the database.
#
# List prices of us-east-1 in US dollars, on demand. They are not AWS's word: those of Fargate, of
# RDS's storage and of db.t4g.medium were found on others' pages of 2026, the rest is from memory of
# 2025. Look them up before you rely on the sum; other regions cost more by up to a third.

locals {
  hours = 730
  price = {
    fargate_cpu = 0.04048  # a core and hour
    fargate_gib = 0.004445 # a GiB and hour
    nat         = 0.045    # a gateway and hour
    balancer    = 0.0225   # an hour, without capacity units
    address     = 0.005    # a public address and hour
    rds_gib     = 0.23     # a GiB and month of gp3, in two zones
    disk_gib    = 0.08     # a GiB and month of gp3
    firewall    = 9        # a month: the list, and four rules
    secret      = 0.40     # a month
    key         = 1        # a month
    # An hour; of databases in two zones.
    machine  = { "t3.small" = 0.0208, "t3.medium" = 0.0416, "m7i.large" = 0.1008, "m7i.xlarge" = 0.2016 }
    database = { "db.t4g.medium" = 0.130, "db.m7g.large" = 0.337, "db.m7g.2xlarge" = 1.347 }
  }

  # Fargate at the least tasks there are, and at the most.
  fargate = [
    for which in [0, 1] : local.hours * sum([
      for service in local.services : service.tasks[which] * (
        service.size.cpu / 1024 * local.price.fargate_cpu + service.size.memory / 1024 * local.price.fargate_gib
      )
    ])
  ]
  fixed = {
    database = (
      local.hours * local.price.database[local.size.database.class]
      + local.price.rds_gib * local.size.database.storage_gib
    )
    servers = sum([
      for server in local.servers :
      local.hours * local.price.machine[server.size.instance] + local.price.disk_gib * server.size.disk_gib
    ])
    network = local.hours * (
      local.size.nat_gateways * (local.price.nat + local.price.address)
      + local.price.balancer + 2 * local.price.address
    )
    firewall = local.price.firewall
    secrets  = local.price.secret * (length(local.secrets) + 1) + local.price.key
  }
  cost = merge(
    { for part, dollars in local.fixed : part => floor(dollars + 0.5) },
    {
      programs      = floor(local.fargate[0] + 0.5)
      programs_most = floor(local.fargate[1] + 0.5)
      all           = floor(sum(values(local.fixed)) + local.fargate[0] + 0.5)
      all_most      = floor(sum(values(local.fixed)) + local.fargate[1] + 0.5)
    },
  )
}
