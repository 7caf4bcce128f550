# The whole, planned and made with a provider that makes nothing up but names: what there is of each
# kind at each size, and what must hold of it. The same runs with the real provider's schema.

mock_provider "aws" {
  mock_resource "aws_db_instance" {
    defaults = {
      address            = "database.example"
      master_user_secret = [{ kms_key_id = "key", secret_arn = "arn:aws:secretsmanager:x:1:secret:rds", secret_status = "active" }]
    }
  }
  mock_resource "aws_acm_certificate" {
    defaults = {
      arn = "arn:aws:acm:x:1:certificate/1"
      domain_validation_options = [
        { domain_name = "api.shop.example", resource_record_name = "_1.api", resource_record_type = "CNAME", resource_record_value = "a." },
        { domain_name = "read.shop.example", resource_record_name = "_1.read", resource_record_type = "CNAME", resource_record_value = "b." },
      ]
    }
  }
}

# The media's certificate is of one name.
override_resource {
  target = module.media.aws_acm_certificate.this
  values = {
    arn = "arn:aws:acm:x:1:certificate/2"
    domain_validation_options = [
      { domain_name = "media.shop.example", resource_record_name = "_1.media", resource_record_type = "CNAME", resource_record_value = "c." },
    ]
  }
}

variables {
  name         = "shop"
  region       = "eu-central-1"
  account      = "123456789012"
  domain       = "shop.example"
  zone_id      = "Z1"
  database_ca  = "tests/ca.pem"
  state_bucket = "shop-terraform"
  alarm_emails = ["ops@shop.example"]
  deployer = {
    issuer   = "https://token.actions.githubusercontent.com"
    audience = "sts.amazonaws.com"
    subjects = ["repo:shop/shop:environment:production"]
  }
}

# Before the first release there is all but the programs.
run "foundation" {
  variables { size = "small" }
  assert {
    condition     = length(module.program_service) + length(module.projector_service) + length(module.server_service) + length(module.by_hand) + length(module.logins) == 0
    error_message = "something runs without an image"
  }
  assert {
    condition     = length(module.secrets.arns) == 9
    error_message = "a secret for each login, and five"
  }
}

# A release on its way: its migrations can be run, and nothing else.
run "migrates" {
  variables {
    size = "small"
    next = "v1"
  }
  assert {
    condition     = length(module.by_hand) == 1 && length(module.logins) == 1 && length(module.program_service) == 0
    error_message = "what migrates is not there, or more is"
  }
}

run "small" {
  variables {
    size    = "small"
    next    = "v1"
    release = "v1"
  }
  assert {
    condition     = length(module.projector_service) == 1 && length(module.program_service) == 3 && length(module.server_service) == 2
    error_message = "a small shop: one projector, three other programs, two servers"
  }
}

run "large" {
  variables {
    size    = "large"
    next    = "v1"
    release = "v1"
  }
  assert {
    condition     = toset(keys(module.projector_service)) == toset([for name in ["products", "stock", "locations", "carts", "orders", "payments", "fulfilments", "returns", "sales", "search"] : "projector-${name}"])
    error_message = "a service for each projection"
  }
}

# What no program is.
run "refused" {
  command = plan
  variables {
    size     = "small"
    settings = { programs = {} }
  }
  expect_failures = [var.settings]
}
