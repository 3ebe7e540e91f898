"""``python -m opsportal.localcloud``: the local cloud without Django around it."""

import argparse
import sys

from .command import add_arguments, run

parser = argparse.ArgumentParser(prog="localcloud", description="A small Cloud Foundry on this machine.")
add_arguments(parser)
options = parser.parse_args()
sys.exit(run(options.data_dir, options.host, options.port, options.estate))
