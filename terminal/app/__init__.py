"""The composition root: it alone names concrete venues and wires objects together."""
