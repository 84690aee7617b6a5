"""What the templates share: cursors, scanners, coercion, rendering helpers, validation."""
