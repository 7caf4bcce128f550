# The whole on AWS: what it is made of, each part in a module of its own. What is in it, how large,
# and who may do what is reckoned by modules/plan.

module "plan" {
  source        = "./modules/plan"
  name          = var.name
  size          = var.size
  region        = var.region
  account       = var.account
  cidr          = var.cidr
  domain        = var.domain
  given_secrets = var.given_secrets
}

# One key for all that is kept.
resource "aws_kms_key" "this" {
  description             = var.name
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = jsonencode(module.plan.policies.key)
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}

module "network" {
  source  = "./modules/network"
  name    = var.name
  cidr    = var.cidr
  region  = var.region
  plan    = module.plan
  key_arn = aws_kms_key.this.arn
}

module "database" {
  source  = "./modules/database"
  name    = var.name
  size    = module.plan.size.database
  subnets = module.network.data_subnets
  group   = module.network.groups.database
  key_arn = aws_kms_key.this.arn
}

module "secrets" {
  source  = "./modules/secrets"
  name    = var.name
  secrets = module.plan.secrets
  key_arn = aws_kms_key.this.arn
}

module "registry" {
  source  = "./modules/registry"
  name    = var.name
  images  = keys(module.plan.images)
  key_arn = aws_kms_key.this.arn
}

module "edge" {
  source           = "./modules/edge"
  name             = var.name
  zone_id          = var.zone_id
  programs         = local.public
  vpc_id           = module.network.vpc_id
  subnets          = module.network.public_subnets
  group            = module.network.groups.edge
  account          = var.account
  web_requests_max = module.plan.size.web_requests_max
  key_arn          = aws_kms_key.this.arn
}

module "media" {
  source  = "./modules/media"
  name    = var.name
  account = var.account
  host    = "media.${var.domain}"
  zone_id = var.zone_id
}

module "deployer" {
  source       = "./modules/deployer"
  name         = var.name
  deployer     = var.deployer
  policy       = module.plan.policies.deployer
  state_bucket = var.state_bucket
}

module "watch" {
  source  = "./modules/watch"
  name    = var.name
  emails  = var.alarm_emails
  key_arn = aws_kms_key.this.arn
  database = {
    id          = var.name
    memory_gib  = module.plan.size.database.memory_gib
    storage_gib = module.plan.size.database.storage_gib
    connections = module.plan.size.database.connections
  }
  balancer = module.edge.dimensions
  services = { for name, service in local.running : name => service.tasks[0] }
  servers  = local.has_release ? keys(module.plan.servers) : []
}
