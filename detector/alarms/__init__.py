"""Alarms: published notifications, their explanation and reproduction, unknown clusters, shadow comparison."""
