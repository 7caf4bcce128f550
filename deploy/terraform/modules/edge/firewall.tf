# The firewall before the load balancer: it bounds each address, which the programs leave to what is
# in front, and turns known attacks away. Bodies are left to the programs, which parse them strictly:
# descriptions of products are HTML, and batches are long.

locals {
  # Amazon's lists, and the rules of each that only count.
  lists = {
    AWSManagedRulesAmazonIpReputationList = []
    AWSManagedRulesKnownBadInputsRuleSet  = []
    AWSManagedRulesCommonRuleSet = [
      "CrossSiteScripting_BODY", "GenericLFI_BODY", "GenericRFI_BODY", "SizeRestrictions_BODY",
      # Programs ask too.
      "NoUserAgent_HEADER",
    ]
  }
  seen = { for name in concat(["Address"], keys(local.lists)) : name => {
    CloudWatchMetricsEnabled = true, MetricName = name, SampledRequestsEnabled = true
  } }
  # As JSON, as the API of WAF has it: the same that the checks give to a stand-in of AWS.
  rules = concat(
    [{
      Name             = "Address", Priority = 0, Action = { Block = {} }
      Statement        = { RateBasedStatement = { Limit = var.web_requests_max, AggregateKeyType = "IP" } }
      VisibilityConfig = local.seen.Address
    }],
    [for name, counted in local.lists : {
      Name           = name, Priority = 1 + index(keys(local.lists), name)
      OverrideAction = { None = {} }
      Statement = { ManagedRuleGroupStatement = {
        VendorName          = "AWS", Name = name
        RuleActionOverrides = [for rule in counted : { Name = rule, ActionToUse = { Count = {} } }]
      } }
      VisibilityConfig = local.seen[name]
    }],
  )
}

resource "aws_wafv2_web_acl" "this" {
  name      = var.name
  scope     = "REGIONAL"
  rule_json = jsonencode(local.rules)
  default_action {
    allow {}
  }
  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    sampled_requests_enabled   = true
  }
}

resource "aws_wafv2_web_acl_association" "this" {
  resource_arn = aws_lb.this.arn
  web_acl_arn  = aws_wafv2_web_acl.this.arn
}

resource "aws_cloudwatch_log_group" "firewall" {
  # WAF demands that it begins so.
  name              = "aws-waf-logs-${var.name}"
  retention_in_days = 365
  kms_key_id        = var.key_arn
}

resource "aws_wafv2_web_acl_logging_configuration" "this" {
  resource_arn            = aws_wafv2_web_acl.this.arn
  log_destination_configs = [aws_cloudwatch_log_group.firewall.arn]
  # Tokens.
  redacted_fields {
    single_header {
      name = "authorization"
    }
  }
  # Only who was turned away.
  logging_filter {
    default_behavior = "DROP"
    filter {
      behavior    = "KEEP"
      requirement = "MEETS_ANY"
      condition {
        action_condition {
          action = "BLOCK"
        }
      }
      condition {
        action_condition {
          action = "COUNT"
        }
      }
    }
  }
}
