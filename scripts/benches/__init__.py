"""What `scripts/bench` measures: each bench is a module with `run(bench)`, which prints its figures."""
