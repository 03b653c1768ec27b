"""The elementary functions as vector code, with bounds of their errors."""
