# Only the pipelines that are named may release.

mock_provider "aws" {}

variables {
  name         = "shop"
  policy       = {}
  state_bucket = "shop-terraform"
}

run "trusts_one" {
  command = plan
  variables {
    deployer = { issuer = "https://forge.example", audience = "sts", subjects = ["repo:shop/shop:environment:production"] }
  }
  override_resource {
    target          = aws_iam_openid_connect_provider.this
    override_during = plan
    values          = { arn = "arn:aws:iam::1:oidc-provider/forge.example" }
  }
  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals == {
      "forge.example:aud" = ["sts"]
      "forge.example:sub" = ["repo:shop/shop:environment:production"]
    }
    error_message = "the role can be taken with other tokens"
  }
}

run "refuses_stars" {
  command = plan
  variables {
    deployer = { issuer = "https://forge.example", audience = "sts", subjects = ["repo:shop/*"] }
  }
  expect_failures = [var.deployer]
}

run "refuses_plain_http" {
  command = plan
  variables {
    deployer = { issuer = "http://forge.example", audience = "sts", subjects = ["repo:shop/shop"] }
  }
  expect_failures = [var.deployer]
}
