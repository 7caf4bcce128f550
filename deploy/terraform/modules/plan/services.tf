# What runs: the programs with their ports, roles in the database and commands, and the two servers
# behind them. What each is told is in settings.tf, what it is told secretly in secrets.tf.

locals {
  # The read models, as domain/src/read_model.rs names them.
  projections = toset([
    "products", "stock", "locations", "carts", "orders", "payments", "fulfilments", "returns",
    "sales", "search",
  ])
  # Those that one process works on at a time.
  alone = toset(["sales", "search"])

  # host: what it is called from outside, if it is. login: as whom it connects (deploy/logins.sql).
  # beside: connections to Postgres that a process has beside its pool, at most.
  programs = {
    command-api = {
      host = "api.${var.domain}", port = 8080, ops_port = 9080, login = "command_api"
      nats = true, search = false, mail = true, beside = 6
    }
    query-api = {
      host = "read.${var.domain}", port = 8081, ops_port = 9081, login = "query_api"
      nats = true, search = true, mail = false, beside = 6
    }
    projector = {
      host = null, port = 8082, ops_port = 8082, login = "projector"
      nats = true, search = true, mail = false, beside = 3
    }
    reactor = {
      host = null, port = 8083, ops_port = 8083, login = "reactor"
      nats = false, search = false, mail = true, beside = 4
    }
  }
  login_names = sort([for program in local.programs : program.login])

  projectors = local.size.projectors_apart ? {
    for name in local.projections : "projector-${name}" => {
      command = ["projector", "run", "--projection", name]
      # More than two of these would only stand by.
      tasks       = contains(local.alone, name) ? [local.size.projector.tasks[0], local.size.projector.tasks[0]] : local.size.projector.tasks
      projections = 1
    }
    } : {
    projector = { command = ["projector", "run"], tasks = local.size.projector.tasks, projections = length(local.projections) }
  }

  # Every ECS service that runs a program. The projectors are rolled out before the others.
  services = merge(
    {
      for name, projector in local.projectors : name => {
        program = "projector", command = projector.command, tasks = projector.tasks, first = true
        size    = local.size.projector
        # Each projection has a connection of its own beside the pool.
        connections = local.size.projector.connections + local.programs.projector.beside + projector.projections
      }
    },
    {
      for name, size in {
        command-api = local.size.command_api, query-api = local.size.query_api, reactor = local.size.reactor
        } : name => {
        program = name, command = [name, name == "reactor" ? "run" : "serve"], tasks = size.tasks, first = false
        size    = size, connections = size.connections + local.programs[name].beside
      }
    },
  )

  # While a release is rolled out there may be twice as many tasks; 30 are left for people, for
  # migrations and for what RDS does itself.
  connections_most = 2 * sum([for service in local.services : service.tasks[1] * service.connections]) + 30

  # What lies in both can be made anew of the log, so each is one server, on an EC2 machine of its
  # own that is replaced in the other zone if need be: the programs do without meanwhile.
  servers = {
    nats = {
      image = "nats:2.15-alpine", port = 4222, size = local.size.nats, data = "/data"
      # A shell, for the password is in the environment alone.
      command = ["sh", "-c", join(" ", [
        "exec nats-server --name=${var.name} --jetstream --store_dir=/data --http_port=8222",
        "--user=commerce --pass=\"$NATS_PASSWORD\"",
      ])]
      environment = { GOMEMLIMIT = "${floor(local.size.nats.memory * 0.8)}MiB" }
      secrets     = { NATS_PASSWORD = "nats:password" }
      health      = ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8222/healthz"]
    }
    meilisearch = {
      image = "getmeili/meilisearch:v1.21", port = 7700, size = local.size.meilisearch, data = "/meili_data"
      # As the image has it.
      command = null
      environment = {
        MEILI_ENV                 = "production", MEILI_NO_ANALYTICS = "true", MEILI_LOG_LEVEL = "WARN"
        MEILI_MAX_INDEXING_MEMORY = "${floor(local.size.meilisearch.memory / 3)}MiB"
      }
      secrets = { MEILI_MASTER_KEY = "meilisearch" }
      health  = ["CMD", "curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:7700/health"]
    }
  }

  # Images that are copied into the registry of the account: what each is called there, and where it
  # comes from. That of the programs is built of deploy/Dockerfile.
  images = {
    nats        = local.servers.nats.image
    meilisearch = local.servers.meilisearch.image
    postgres    = "postgres:18"
  }
  inner = "${var.name}.internal"
}
