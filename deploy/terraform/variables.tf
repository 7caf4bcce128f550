# What an installation is told: example.tfvars is one to copy.

variable "name" {
  description = "Begins the name of everything, as shop-production"
  type        = string
}
variable "size" {
  description = "small, medium or large: modules/plan/sizes.tf"
  type        = string
}
variable "region" {
  description = "Where it stands; it has zones a and b"
  type        = string
}
variable "account" {
  description = "Your account, twelve digits"
  type        = string
}
variable "cidr" {
  description = "Addresses of the network"
  type        = string
  default     = "10.40.0.0/16"
}
variable "domain" {
  description = "The shop's domain: api., read. and media. are made below it"
  type        = string
}
variable "zone_id" {
  description = "Route 53's zone of that domain"
  type        = string
}
variable "database_ca" {
  description = "File with the certificates of the region's RDS in PEM, as Amazon publishes them"
  type        = string
}
variable "settings" {
  description = "Further settings of the programs, by program: deploy/README.md names them"
  type        = map(map(string))
  default     = {}
  validation {
    condition     = length(setsubtract(keys(var.settings), ["command-api", "query-api", "projector", "reactor"])) == 0
    error_message = "settings: of command-api, query-api, projector or reactor."
  }
}
variable "given_secrets" {
  description = "Secret settings that you put in yourself: modules/plan/secrets.tf lists them"
  type        = set(string)
  default     = []
}
variable "alarm_emails" {
  description = "Who is written to when something is wrong"
  type        = set(string)
}
variable "deployer" {
  description = "The pipeline that may release: modules/deployer"
  type        = object({ issuer = string, audience = string, subjects = list(string) })
}
variable "state_bucket" {
  description = "Where Terraform keeps its state"
  type        = string
}
variable "release" {
  description = "Tag of the programs' image that the services run; none before the first release"
  type        = string
  default     = ""
}
variable "next" {
  description = "Tag of the image that migrates: that of the release which is on its way"
  type        = string
  default     = ""
}
