# The sizes: everything that differs between a small shop and a large one stands in this map.
#
# Numbers of cpu are thousandths of a core in units of 1/1024, of memory MiB, as Fargate takes them;
# tasks are [at least, at most]. `connections` is each process's DATABASE_CONNECTIONS. A projection
# that `alone` of services.tf names is worked on by one process at a time: its second one stands by.

locals {
  sizes = {
    small = {
      # Two tasks of what the internet reaches, one a zone; all projections in one service.
      command_api      = { cpu = 512, memory = 1024, tasks = [2, 3], connections = 8 }
      query_api        = { cpu = 512, memory = 1024, tasks = [2, 3], connections = 8 }
      reactor          = { cpu = 256, memory = 1024, tasks = [1, 2], connections = 8 }
      projector        = { cpu = 512, memory = 1024, tasks = [1, 2], connections = 8 }
      projectors_apart = false
      database = {
        class       = "db.t4g.medium", memory_gib = 4, storage_gib = 50, storage_max_gib = 200
        connections = 400, backup_days = 7
      }
      nats             = { instance = "t3.small", disk_gib = 30, cpu = 1024, memory = 1024 }
      meilisearch      = { instance = "t3.medium", disk_gib = 40, cpu = 1024, memory = 3072 }
      nats_bytes       = 1073741824
      nat_gateways     = 1
      rate_limit       = 50
      web_requests_max = 20000
    }
    medium = {
      command_api      = { cpu = 1024, memory = 2048, tasks = [2, 4], connections = 16 }
      query_api        = { cpu = 1024, memory = 2048, tasks = [2, 6], connections = 16 }
      reactor          = { cpu = 512, memory = 1024, tasks = [2, 2], connections = 8 }
      projector        = { cpu = 256, memory = 1024, tasks = [1, 2], connections = 4 }
      projectors_apart = true
      database = {
        class       = "db.m7g.large", memory_gib = 8, storage_gib = 200, storage_max_gib = 1000
        connections = 850, backup_days = 14
      }
      nats             = { instance = "t3.medium", disk_gib = 50, cpu = 2048, memory = 3072 }
      meilisearch      = { instance = "m7i.large", disk_gib = 100, cpu = 2048, memory = 7168 }
      nats_bytes       = 10737418240
      nat_gateways     = 2
      rate_limit       = 50
      web_requests_max = 20000
    }
    large = {
      command_api      = { cpu = 4096, memory = 8192, tasks = [2, 4], connections = 32 }
      query_api        = { cpu = 2048, memory = 4096, tasks = [4, 20], connections = 16 }
      reactor          = { cpu = 1024, memory = 2048, tasks = [2, 4], connections = 16 }
      projector        = { cpu = 1024, memory = 2048, tasks = [2, 6], connections = 8 }
      projectors_apart = true
      database = {
        class       = "db.m7g.2xlarge", memory_gib = 32, storage_gib = 1000, storage_max_gib = 8000
        connections = 3200, backup_days = 35
      }
      nats             = { instance = "m7i.large", disk_gib = 200, cpu = 2048, memory = 7168 }
      meilisearch      = { instance = "m7i.xlarge", disk_gib = 200, cpu = 4096, memory = 14336 }
      nats_bytes       = 107374182400
      nat_gateways     = 2
      rate_limit       = 100
      web_requests_max = 100000
    }
  }

  size = local.sizes[var.size]
}
