"""What developers and workflows run around the CDK app; nothing here is deployed."""
