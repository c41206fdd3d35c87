"""The access requester process: holds the credential, gives out only tokens."""
