"""Parts that keep a service's promise while its dependencies break theirs."""
