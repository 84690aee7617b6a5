"""The viewer and live dashboard."""
