"""What stands around the bot on the network: the JSON API, who is let in, limits, measurements."""
