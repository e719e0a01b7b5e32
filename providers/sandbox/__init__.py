"""Five imitated gateways over real HTTP: real pictures, an honest bill, and every misfortune on request."""
