#!/bin/bash
# What is done with an installation on AWS, by those who keep it running. README.md tells in which
# order. Needs aws, terraform, docker, git, jq and openssl.
set -euo pipefail

usage() {
    cat >&2 <<'END'
deploy.sh INSTALLATION.tfvars COMMAND

  state            make the bucket in which Terraform keeps its state
  foundation       make or change all but the programs: shows what, and asks
  secrets          fill the secrets that are empty; asks for those that only you know
  release TAG      build the programs, migrate, and roll them out
  rollback TAG     roll out what was released as TAG
  run WHAT COMMAND…   run a command once, in a task like those of the service WHAT, or as the owner
                   of the database (by-hand): run projector projector status
END
    exit 2
}

here=$(cd "$(dirname "$0")" && pwd)
[[ $# -ge 2 && -f $1 ]] || usage
file=$(realpath "$1") command=$2
shift 2

setting() { sed -nE "s/^$1 *= *\"([^\"]*)\".*/\1/p" "$file"; }
name=$(setting name) region=$(setting region) bucket=$(setting state_bucket)
export AWS_REGION=$region AWS_PAGER=

tf() { terraform -chdir="$here" "$@"; }
told() { tf output -json "$1"; }
released() { tf output -raw release 2>/dev/null || true; }

init() {
    tf init -input=false -reconfigure -backend-config="bucket=$bucket" \
        -backend-config="key=$name/terraform.tfstate" -backend-config="region=$region" >/dev/null
}

# What the services run, what migrates, and further arguments.
apply() {
    local release=$1 next=$2
    shift 2
    tf apply -var-file="$file" -var="release=$release" -var="next=$next" "$@"
}

make_state() {
    local where=(--create-bucket-configuration "LocationConstraint=$region")
    # The one region that must not be named.
    [[ $region == us-east-1 ]] && where=()
    aws s3api create-bucket --bucket "$bucket" "${where[@]}"
    aws s3api put-bucket-versioning --bucket "$bucket" \
        --versioning-configuration Status=Enabled
    aws s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration \
        BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
}

is_empty() {
    local versions
    versions=$(aws secretsmanager list-secret-version-ids --secret-id "$name/$1" \
        --query 'length(Versions)' --output text)
    [[ $versions == 0 ]]
}

# From standard input, so that no list of processes shows it.
put() {
    aws secretsmanager put-secret-value --secret-id "$name/$1" \
        --secret-string file:///dev/stdin >/dev/null
    echo "filled $1" >&2
}

fill_secrets() {
    local secret kind value
    while read -r secret kind; do
        is_empty "$secret" || continue
        case $kind in
            hex) openssl rand -hex 32 | tr -d '\n' | put "$secret" ;;
            base64) openssl rand -base64 32 | tr -d '\n' | put "$secret" ;;
            nats)
                value=$(openssl rand -hex 32)
                printf '{"password":"%s","url":"nats://commerce:%s@%s:4222"}' \
                    "$value" "$value" "$(tf output -raw nats_host)" | put "$secret"
                ;;
            given)
                read -rsp "$secret: " value </dev/tty
                echo >&2
                printf %s "$value" | put "$secret"
                ;;
            # A release makes it, for it follows from the master key and needs a program.
            index-key) ;;
            *) echo "nobody knows how to make $secret: $kind" >&2 && exit 1 ;;
        esac
    done < <(told secrets | jq -r 'to_entries[] | "\(.key) \(.value)"')
}

# A task like those of a service, with another command; shows its log, and ends as it does.
run() {
    local what=$1 where task code
    shift
    where=$(told by_hand | jq -c --arg what "$what" '{awsvpcConfiguration: {
        subnets, securityGroups: [.groups[$what]], assignPublicIp: "DISABLED"}}')
    local overrides='{}'
    if [[ $# -gt 0 ]]; then
        overrides=$(jq -nc --arg name "$what" \
            '{containerOverrides: [{name: $name, command: $ARGS.positional}]}' --args -- "$@")
    fi
    task=$(aws ecs run-task --cluster "$name" --task-definition "$name-$what" \
        --launch-type FARGATE --network-configuration "$where" --overrides "$overrides" \
        --query 'tasks[0].taskArn' --output text)
    aws ecs wait tasks-stopped --cluster "$name" --tasks "$task"
    aws logs get-log-events --log-group-name "/$name/$what" --start-from-head \
        --log-stream-name "task/$what/${task##*/}" --query 'events[].[message]' --output text
    code=$(aws ecs describe-tasks --cluster "$name" --tasks "$task" \
        --query 'tasks[0].containers[0].exitCode' --output text)
    [[ $code == 0 ]] || { echo "$what ended with $code" >&2 && return 1; }
}

push_images() {
    local tag=$1 registry programs image url
    registry=$(told registry)
    programs=$(jq -r .programs <<<"$registry")
    aws ecr get-login-password | docker login --username AWS --password-stdin "${programs%%/*}"
    docker build --platform linux/amd64 -f "$here/../Dockerfile" -t "$programs:$tag" \
        --build-arg COMMIT="$(git -C "$here" rev-parse --short=12 HEAD)" "$here/../.."
    docker push "$programs:$tag"
    # What the programs need beside them, where it is not there yet.
    while read -r image url; do
        aws ecr describe-images --repository-name "${url#*/}" \
            --image-ids "imageTag=${image##*:}" >/dev/null 2>&1 && continue
        docker pull --platform linux/amd64 "$image"
        docker tag "$image" "$url:${image##*:}"
        docker push "$url:${image##*:}"
    done < <(told images | jq -r --argjson registry "$registry" \
        'to_entries[] | "\(.value) \($registry[.key])"')
}

# The log has the key for the moment in which it is read: by it nothing is opened, only found.
fill_index_key() {
    local said
    is_empty index-key || return 0
    said=$(run by-hand command-api index-key)
    # Beside it are lines of the log.
    grep -v '^{' <<<"$said" | tail -n 1 | tr -d '\n' | put index-key
}

release() {
    local tag=$1
    push_images "$tag"
    # Nothing but definitions and services becomes another, so nothing else is looked at: who
    # releases needs no right to.
    apply "$(released)" "$tag" -refresh=false -auto-approve -input=false
    run by-hand command-api migrate
    run logins
    fill_index_key
    apply "$tag" "$tag" -refresh=false -auto-approve -input=false
}

[[ $command == state ]] || init
case $command in
    state) make_state ;;
    foundation) apply "$(released)" "$(released)" ;;
    secrets) fill_secrets ;;
    release) release "${1:?which tag}" ;;
    rollback) apply "${1:?which tag}" "$1" -refresh=false -auto-approve -input=false ;;
    run) [[ $# -ge 2 ]] || usage; run "$@" ;;
    *) usage ;;
esac
