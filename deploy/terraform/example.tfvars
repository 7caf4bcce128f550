# An installation: copy this to NAME.tfvars, which git ignores, and change all of it.

name         = "shop-production"
size         = "small"
region       = "eu-central-1"
account      = "123456789012"
domain       = "shop.example"
zone_id      = "Z0123456789EXAMPLE"
database_ca  = "rds-ca.pem"
state_bucket = "shop-production-terraform"
alarm_emails = ["ops@shop.example"]

# Who may release: here the pipeline of one repository, for its environment "production" alone.
deployer = {
  issuer   = "https://token.actions.githubusercontent.com"
  audience = "sts.amazonaws.com"
  subjects = ["repo:shop/shop:environment:production"]
}

# With a gateway and a server that takes mails:
given_secrets = ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "SMTP_URL"]
settings = {
  command-api = { SHOP_NAME = "Shop", MAIL_FROM = "shop@shop.example" }
  reactor     = { SHOP_NAME = "Shop", MAIL_FROM = "shop@shop.example" }
}
