"""What the fleet says about itself."""
