"""The functions in which a person's click or call ends. Web, API, admin and shell share them."""
