# What the plan is made of. This module asks no provider: from these few words it reckons everything
# that can be reckoned before there is a cloud, so that `terraform test` can judge it anywhere.

variable "name" {
  description = "Begins the name of everything: one installation, as shop-production"
  type        = string
  validation {
    # 16 letters, or names of load balancers and roles become too long.
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.name)) && !endswith(var.name, "-")
    error_message = "name: 2 to 16 small letters, digits and hyphens, beginning with a letter."
  }
}

variable "size" {
  description = "small, medium or large: sizes.tf says what each is"
  type        = string
  validation {
    condition     = contains(keys(local.sizes), var.size)
    error_message = "size: small, medium or large."
  }
}

variable "region" {
  description = "Where it stands"
  type        = string
}

variable "account" {
  description = "Whose it is: twelve digits"
  type        = string
  validation {
    condition     = can(regex("^[0-9]{12}$", var.account))
    error_message = "account: twelve digits."
  }
}

variable "cidr" {
  description = "Addresses of the network, a /16"
  type        = string
  validation {
    condition     = can(cidrnetmask(var.cidr)) && endswith(var.cidr, "/16")
    error_message = "cidr: a network of IPv4 as 10.40.0.0/16."
  }
}

variable "domain" {
  description = "The shop's domain, below which api., read. and media. are"
  type        = string
}

variable "given_secrets" {
  description = "Secret settings that only you know, of those that secrets.tf lists under `given`"
  type        = set(string)
  default     = []
  validation {
    condition     = length(setsubtract(var.given_secrets, keys(local.given))) == 0
    error_message = "given_secrets: only what secrets.tf lists under `given`."
  }
}
