"""False alarms, measured: the product's own rules and alert lives over real and simulated prices (``make alarms``)."""
