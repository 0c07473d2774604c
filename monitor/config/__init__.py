"""Config: one YAML file, the environment and credential files, checked and explained."""
