"""Reports of a run: lines for people, JSON lines, JUnit, one HTML file."""
