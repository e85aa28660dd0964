"""The Roadbook kit: mechanism, never meaning."""
