# What is secret, who makes it, and which program sees it. Terraform makes the empty places only: no
# value is in its state. `deploy.sh secrets` fills them.

locals {
  # What deploy.sh makes: hex is 32 random bytes so, base64 likewise, nats a document with the
  # password and the URL that holds it, index-key what follows from the master key.
  made = merge(
    { for login in local.login_names : "database-${login}" => "hex" },
    {
      api-token   = "hex"
      meilisearch = "hex"
      master-key  = "base64"
      index-key   = "index-key"
      nats        = "nats"
    },
  )
  # What you give, where you have it: settings of the programs, and who takes them.
  given = {
    STRIPE_SECRET_KEY     = ["command-api", "reactor"]
    STRIPE_WEBHOOK_SECRET = ["command-api", "reactor"]
    PAYPAL_CLIENT_ID      = ["command-api", "reactor"]
    PAYPAL_CLIENT_SECRET  = ["command-api", "reactor"]
    PAYPAL_WEBHOOK_ID     = ["command-api", "reactor"]
    SMTP_URL              = ["command-api", "reactor"]
    MAIL_FROM             = ["command-api", "reactor"]
  }
  secrets = merge(local.made, { for name in var.given_secrets : lower(replace(name, "_", "-")) => "given" })

  # By program: its setting, and the secret, or the member of a secret, that is put there.
  secrets_of = {
    for name, program in local.programs : name => merge(
      { PGPASSWORD = "database-${program.login}" },
      program.nats ? { NATS_URL = "nats:url" } : {},
      program.search ? { MEILI_MASTER_KEY = "meilisearch" } : {},
      contains(["command-api", "query-api", "projector"], name) ? { API_TOKEN = "api-token" } : {},
      contains(["command-api", "reactor"], name) ? { MASTER_KEY = "master-key" } : {},
      name == "query-api" ? { INDEX_KEY = "index-key" } : {},
      { for given in var.given_secrets : given => lower(replace(given, "_", "-")) if contains(local.given[given], name) },
    )
  }
}
