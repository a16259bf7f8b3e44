"""The edge: CloudFront in front of the results bucket."""
