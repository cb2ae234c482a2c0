"""What every agent stands on: `agent` describes one, `serving` serves it, workflows are written against `run`."""
