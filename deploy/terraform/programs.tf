# What runs: NATS and Meilisearch on machines of their own, the programs on Fargate, and what is run
# by hand (migrations, logins). Without a release only the foundation is there.

locals {
  has_release = var.release != ""
  running     = { for name, service in module.plan.services : name => service if local.has_release }
  public      = { for name, program in module.plan.programs : name => program if program.host != null }
  image       = "${module.registry.urls.programs}:%s"
  # How a program finds Postgres, and whom it believes to be it.
  trusted = { PGSSLROOTCERT = file(var.database_ca) }
  # Where a secret of the plan lies, as ECS takes it: "nats:url" is the member url of nats.
  places = {
    for place in distinct(flatten([
      [for secrets in module.plan.secrets_of : values(secrets)],
      [for server in module.plan.servers : values(server.secrets)],
      [for login in module.plan.login_names : "database-${login}"],
      ])) : place => join("", [
      module.secrets.arns[split(":", place)[0]],
      strcontains(place, ":") ? ":${split(":", place)[1]}::" : "",
    ])
  }
  # Of the secret that RDS keeps.
  owner_password = "${module.database.owner_secret}:password::"
}

resource "aws_ecs_cluster" "this" {
  name = var.name
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = concat(["FARGATE"], [for server in module.server : server.capacity])
}

# By what names NATS and Meilisearch are found.

resource "aws_service_discovery_private_dns_namespace" "this" {
  name = module.plan.inner
  vpc  = module.network.vpc_id
}

resource "aws_service_discovery_service" "this" {
  for_each = module.plan.servers
  name     = each.key
  dns_config {
    namespace_id = aws_service_discovery_private_dns_namespace.this.id
    dns_records {
      type = "A"
      ttl  = 10
    }
  }
}

module "server" {
  source   = "./modules/server"
  for_each = module.plan.servers
  name     = each.key
  shop     = var.name
  cluster  = aws_ecs_cluster.this.name
  instance = each.value.size.instance
  disk_gib = each.value.size.disk_gib
  subnets  = module.network.private_subnets
  group    = module.network.groups[each.key]
}

module "server_task" {
  source      = "./modules/task"
  for_each    = { for name, server in module.plan.servers : name => server if local.has_release }
  name        = each.key
  shop        = var.name
  region      = var.region
  image       = "${module.registry.urls[each.key]}:${split(":", each.value.image)[1]}"
  command     = each.value.command
  environment = each.value.environment
  secrets     = { for setting, place in each.value.secrets : setting => local.places[place] }
  cpu         = each.value.size.cpu
  memory      = each.value.size.memory
  port        = each.value.port
  health      = each.value.health
  data        = each.value.data
  writable    = true
  policy      = module.plan.policies.starting[each.key]
  key_arn     = aws_kms_key.this.arn
}

module "server_service" {
  source     = "./modules/service"
  for_each   = module.server_task
  name       = each.key
  cluster    = aws_ecs_cluster.this.name
  definition = each.value.definition
  tasks      = [1, 1]
  subnets    = module.network.private_subnets
  group      = module.network.groups[each.key]
  capacity   = module.server[each.key].capacity
  registry   = aws_service_discovery_service.this[each.key].arn
  depends_on = [aws_ecs_cluster_capacity_providers.this]
}

module "program_task" {
  source   = "./modules/task"
  for_each = local.running
  name     = each.key
  shop     = var.name
  region   = var.region
  image    = format(local.image, var.release)
  command  = each.value.command
  environment = merge(module.plan.settings[each.key], local.trusted, lookup(var.settings, each.value.program, {}), {
    DATABASE_URL = format(module.plan.database_url, module.plan.programs[each.value.program].login, module.database.host)
  })
  secrets = {
    for setting, place in module.plan.secrets_of[each.value.program] : setting => local.places[place]
  }
  cpu          = each.value.size.cpu
  memory       = each.value.size.memory
  port         = module.plan.programs[each.value.program].port
  health       = ["CMD", "healthcheck"]
  stop_timeout = module.plan.stop_timeout
  policy       = module.plan.policies.starting[each.key]
  key_arn      = aws_kms_key.this.arn
}

# An old projector waits before the events of a new command-api, so the projectors are first.
module "projector_service" {
  source     = "./modules/service"
  for_each   = { for name, service in local.running : name => service if service.first }
  name       = each.key
  cluster    = aws_ecs_cluster.this.name
  definition = module.program_task[each.key].definition
  tasks      = each.value.tasks
  subnets    = module.network.private_subnets
  group      = module.network.groups[each.value.program]
}

module "program_service" {
  source     = "./modules/service"
  for_each   = { for name, service in local.running : name => service if !service.first }
  name       = each.key
  cluster    = aws_ecs_cluster.this.name
  definition = module.program_task[each.key].definition
  tasks      = each.value.tasks
  subnets    = module.network.private_subnets
  group      = module.network.groups[each.value.program]
  balanced = contains(keys(local.public), each.key) ? {
    target_group = module.edge.target_groups[each.key]
    port         = local.public[each.key].port
  } : null
  depends_on = [module.projector_service]
}

# By hand, as the owner of the database: `command-api migrate`, and what else a person runs.
module "by_hand" {
  source  = "./modules/task"
  count   = var.next == "" ? 0 : 1
  name    = "by-hand"
  shop    = var.name
  region  = var.region
  image   = format(local.image, var.next)
  command = ["command-api", "migrate"]
  cpu     = 512
  memory  = 1024
  policy  = local.starting_as_owner["by-hand"]
  key_arn = aws_kms_key.this.arn
  secrets = { PGPASSWORD = local.owner_password, MASTER_KEY = module.secrets.arns["master-key"] }
  environment = merge(module.plan.common, local.trusted, {
    DATABASE_URL = format(module.plan.database_url, "commerce", module.database.host)
  })
}

# A login for each program, by deploy/logins.sql, each with the password that its secret says.
module "logins" {
  source   = "./modules/task"
  count    = local.has_release || var.next != "" ? 1 : 0
  name     = "logins"
  shop     = var.name
  region   = var.region
  image    = "${module.registry.urls.postgres}:${split(":", module.plan.images.postgres)[1]}"
  writable = true
  command = ["bash", "-euc", join(" ", concat(
    ["printf %s \"$CERTIFICATES\" > /tmp/ca.pem; printf %s \"$LOGINS\" | exec psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1"],
    [for login in module.plan.login_names : "--set=${login}=\"$PASSWORD_${upper(login)}\""],
  ))]
  cpu     = 256
  memory  = 512
  policy  = local.starting_as_owner["logins"]
  key_arn = aws_kms_key.this.arn
  environment = {
    PGHOST        = module.database.host
    PGUSER        = "commerce"
    PGDATABASE    = "commerce"
    PGSSLMODE     = "verify-full"
    PGSSLROOTCERT = "/tmp/ca.pem"
    CERTIFICATES  = local.trusted.PGSSLROOTCERT
    LOGINS = join("\n", concat(
      [file("${path.module}/../logins.sql")],
      [for login in module.plan.login_names : "ALTER ROLE ${login} PASSWORD :'${login}';"],
    ))
  }
  secrets = merge(
    { PGPASSWORD = local.owner_password },
    { for login in module.plan.login_names : "PASSWORD_${upper(login)}" => local.places["database-${login}"] },
  )
}

locals {
  # What starts as the owner may read RDS's secret too, whose name RDS chooses.
  starting_as_owner = {
    for name in module.plan.owners : name => merge(module.plan.policies.starting[name], {
      Statement = concat(module.plan.policies.starting[name].Statement, [{
        Sid = "Owner", Effect = "Allow", Action = ["secretsmanager:GetSecretValue"], Resource = [module.database.owner_secret]
      }])
    })
  }
}
