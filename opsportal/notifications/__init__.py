"""What is told to whom, by Slack and e-mail: an outbox in the database, sent by the worker, once."""
