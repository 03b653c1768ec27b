"""Scheduled statements become machine code, by way of LLVM's assembly language."""
