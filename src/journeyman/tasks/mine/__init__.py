"""Mining: the pull requests in a repository's history made into tasks."""
