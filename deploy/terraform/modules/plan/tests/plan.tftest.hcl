# What must hold of the plan at every size. No provider is asked.

variables {
  name    = "shop"
  region  = "eu-central-1"
  account = "123456789012"
  cidr    = "10.40.0.0/16"
  domain  = "shop.example"
}

run "small" {
  command = plan
  variables { size = "small" }

  assert {
    condition     = length(output.subnets) == 6 && length(distinct([for one in output.subnets : one.zone])) == 2
    error_message = "three subnets in each of two zones"
  }
  assert {
    condition = toset([for name, one in output.services : name]) == toset([
      "command-api", "query-api", "reactor", "projector",
    ])
    error_message = "a small shop has its projections in one service"
  }
  assert {
    condition     = output.connections_most <= output.size.database.connections
    error_message = "more connections than Postgres takes: ${output.connections_most}"
  }
  assert {
    # What RDS takes for such a memory by itself.
    condition     = output.size.database.connections <= output.size.database.memory_gib * 1073741824 / 9531392
    error_message = "more connections than the memory is good for"
  }
  assert {
    condition     = output.cost.all < 500
    error_message = "a small shop costs ${output.cost.all}"
  }
}

run "medium" {
  command = plan
  variables { size = "medium" }

  assert {
    condition     = length([for name, one in output.services : name if one.program == "projector"]) == 10
    error_message = "a service for each projection"
  }
  assert {
    condition = alltrue([
      for name in ["sales", "search"] : output.services["projector-${name}"].tasks[1] <= 2
    ])
    error_message = "one works on sales, and one on search: more would only stand by"
  }
  assert {
    condition     = output.connections_most <= output.size.database.connections
    error_message = "more connections than Postgres takes: ${output.connections_most}"
  }
  assert {
    # What RDS takes for such a memory by itself.
    condition     = output.size.database.connections <= output.size.database.memory_gib * 1073741824 / 9531392
    error_message = "more connections than the memory is good for"
  }
  assert {
    condition     = output.nat_of == { a = "a", b = "b" }
    error_message = "each zone has its own way out"
  }
}

run "large" {
  command = plan
  variables { size = "large" }

  assert {
    condition     = output.connections_most <= output.size.database.connections
    error_message = "more connections than Postgres takes: ${output.connections_most}"
  }
  assert {
    # What RDS takes for such a memory by itself.
    condition     = output.size.database.connections <= output.size.database.memory_gib * 1073741824 / 9531392
    error_message = "more connections than the memory is good for"
  }
  assert {
    condition     = alltrue([for one in output.services : one.tasks[0] >= 2 && one.tasks[0] <= one.tasks[1]])
    error_message = "nothing stands on one task"
  }
}

# What service/src/exposed.rs refuses to start without.
run "exposed" {
  command = plan
  variables { size = "small" }

  assert {
    condition = alltrue([
      for name in ["command-api", "query-api"] : alltrue([
        output.settings[name].EXPOSED == "true",
        tonumber(output.settings[name].RATE_LIMIT) > 0,
        tonumber(output.settings[name].STRICT_RATE_LIMIT) > 0,
        output.settings[name].PROXIES == "1",
        output.settings[name].OPS_LISTEN != output.settings[name].LISTEN,
        contains(keys(output.secrets_of[name]), "API_TOKEN"),
        contains(keys(output.secrets_of[name]), "PGPASSWORD"),
      ])
    ])
    error_message = "what the internet reaches would not start"
  }
  assert {
    condition     = output.settings["command-api"].STAFF_TOTP == "required" && output.settings["command-api"].SANDBOX == "false"
    error_message = "command-api would not start"
  }
  assert {
    condition = alltrue([
      for name in ["command-api", "reactor"] : contains(keys(output.secrets_of[name]), "MASTER_KEY")
    ])
    error_message = "who seals and opens needs the master key"
  }
  assert {
    condition     = !contains(keys(output.secrets_of["query-api"]), "MASTER_KEY") && !contains(keys(output.secrets_of["projector"]), "MASTER_KEY")
    error_message = "readers see the master key"
  }
  assert {
    condition     = output.settings["reactor"].SANDBOX == output.settings["command-api"].SANDBOX && output.settings["command-api"].REACTOR == "off"
    error_message = "who asks gateways has to agree"
  }
}

# Nothing is open that need not be.
run "closed" {
  command = plan
  variables { size = "large" }

  assert {
    condition     = toset([for flow in output.flows : flow.to if flow.from == "internet"]) == toset(["edge"])
    error_message = "the internet reaches more than the load balancer"
  }
  assert {
    condition     = alltrue([for flow in output.flows : flow.port == 5432 if flow.to == "database"])
    error_message = "Postgres is asked at 5432 alone"
  }
  assert {
    condition     = length([for flow in output.flows : flow if flow.from == "database" || (flow.from == "edge" && flow.to == "internet")]) == 0
    error_message = "the database and the load balancer begin nothing"
  }
  assert {
    condition = alltrue(flatten([
      for policy in concat(values(output.policies.starting), [output.policies.deployer]) : [
        for statement in policy.Statement : [
          for action in statement.Action : action != "*" && !endswith(action, ":*")
        ]
      ]
    ]))
    error_message = "an action is a star"
  }
  assert {
    condition = alltrue(flatten([
      for policy in concat(values(output.policies.starting), [output.policies.deployer]) : [
        for statement in policy.Statement :
        contains(statement.Resource, "*") == contains(["Registry", "Definitions"], statement.Sid)
      ]
    ]))
    error_message = "a resource is a star"
  }
  assert {
    condition = alltrue(flatten([
      for name, policy in output.policies.starting : [
        for statement in policy.Statement : [
          for resource in statement.Resource : !strcontains(resource, "master-key")
        ] if startswith(name, "projector") || name == "query-api"
      ]
    ]))
    error_message = "a projector may read the master key"
  }
}

run "given" {
  command = plan
  variables {
    size          = "small"
    given_secrets = ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"]
  }
  assert {
    condition     = output.secrets_of.reactor.STRIPE_SECRET_KEY == "stripe-secret-key" && !contains(keys(output.secrets_of["query-api"]), "STRIPE_SECRET_KEY")
    error_message = "gateways' secrets go to who asks gateways"
  }
}

run "refused_names" {
  command = plan
  variables {
    name          = "Shop_1"
    size          = "huge"
    given_secrets = ["STRIPE_KEY"]
  }
  expect_failures = [var.name, var.size, var.given_secrets]
}

# Names, ports and settings are those of the programs and of compose.
run "as_the_house" {
  command = plan
  variables {
    size          = "medium"
    given_secrets = ["STRIPE_SECRET_KEY", "PAYPAL_CLIENT_ID", "SMTP_URL"]
  }
  assert {
    condition = toset([
      for name, one in output.services : trimprefix(name, "projector-") if one.program == "projector"
    ]) == toset(flatten(regexall("(?m)^    [A-Z][A-Za-z]+ = \"([a-z]+)\",$", file("${path.module}/../../../../domain/src/read_model.rs"))))
    error_message = "not the read models of the domain"
  }
  assert {
    condition = alltrue([
      for image in values(output.images) : strcontains(file("${path.module}/../../../../docker-compose.yml"), "image: ${image}\n")
    ])
    error_message = "not the images of compose"
  }
  assert {
    condition = alltrue([
      for name, one in output.programs : strcontains(file("${path.module}/../../../README.md"), "| ${one.port} | ${name}")
    ])
    error_message = "not the ports of deploy/README.md"
  }
  assert {
    condition = alltrue([
      for login in output.login_names : strcontains(file("${path.module}/../../../logins.sql"), "''${login}''")
    ])
    error_message = "not the logins of deploy/logins.sql"
  }
  assert {
    condition = alltrue(flatten([
      for name, one in output.services : [
        for setting in concat(keys(output.settings[name]), keys(output.secrets_of[one.program])) :
        setting == "PGPASSWORD" || strcontains(file("${path.module}/../../../README.md"), "`${setting}`")
      ]
    ]))
    error_message = "a setting that deploy/README.md does not know"
  }
}
