"""How the bundled encoder is made: needs the ``train`` extra; nothing that answers questions imports it."""
