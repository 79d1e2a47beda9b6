"""Pythia settings of the shipped variations that are more than one number."""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "ALTERNATIVE_HADRONISATION",
    "CP5_CR1",
    "CP5_CR2",
    "CP5_DOWN",
    "CP5_UP",
    "FRAGMENTATION",
    "PDF_SETS",
    "VINCIA_COUPLING_OF_CP5",
    "FragmentationRow",
]


class FragmentationRow(NamedTuple):
    """One side of a parameter of the hadronisation."""

    name: str
    vartype: int
    description: str
    setting: str
    value: float


# Lund parameters of the CR model of arXiv:1505.01681 (mode 2), on top of the nominal tune.
ALTERNATIVE_HADRONISATION = (
    "StringZ:aLund=0.36",
    "StringZ:bLund=0.56",
    "StringPT:sigma=0.335",
    "StringFlav:probQQtoQ=0.078",
    "StringFlav:probStoUD=0.2",
    "ColourReconnection:mode=1",
    "ColourReconnection:allowDoubleJunRem=off",
    "ColourReconnection:m0=0.3",
    "ColourReconnection:allowJunctions=on",
    "ColourReconnection:junctionCorrection=1.20",
    "ColourReconnection:timeDilationMode=2",
    "ColourReconnection:timeDilationPar=0.18",
    "BeamRemnants:remnantMode=1",
    "BeamRemnants:saturation=5",
)

# Up and down of the tune CP5 (arXiv:1903.12179, appendix).
CP5_UP = (
    "MultipartonInteractions:pT0Ref=1.407",
    "MultipartonInteractions:coreRadius=0.6671",
    "MultipartonInteractions:coreFraction=0.4281",
    "ColourReconnection:range=4.881",
)
CP5_DOWN = (
    "MultipartonInteractions:pT0Ref=1.46",
    "MultipartonInteractions:coreRadius=0.6879",
    "MultipartonInteractions:coreFraction=0.7253",
    "ColourReconnection:range=4.691",
)

# Colour reconnection with tunes of its own: CP5-CR1 (QCD-based) and CP5-CR2 (gluon move), arXiv:2205.02905.
CP5_CR1 = (
    "MultipartonInteractions:pT0Ref=1.375",
    "MultipartonInteractions:ecmPow=0.03283",
    "MultipartonInteractions:coreRadius=0.6046",
    "MultipartonInteractions:coreFraction=0.4446",
    "ColourReconnection:mode=1",
    "BeamRemnants:remnantMode=1",
    "ColourReconnection:junctionCorrection=0.238",
    "ColourReconnection:timeDilationPar=8.58",
    "ColourReconnection:m0=1.721",
    "StringZ:aLund=0.38",
    "StringZ:bLund=0.64",
    "StringFlav:probQQtoQ=0.078",
    "StringFlav:probStoUD=0.2",
)
CP5_CR2 = (
    "MultipartonInteractions:pT0Ref=1.454",
    "MultipartonInteractions:ecmPow=0.0555",
    "MultipartonInteractions:coreRadius=0.6532",
    "MultipartonInteractions:coreFraction=0.4392",
    "ColourReconnection:mode=2",
    "ColourReconnection:m2Lambda=4.395",
    "ColourReconnection:fracGluon=0.9896",
)

# 20 % up and down around the Monash values (arXiv:1404.5630) that CP5 keeps, a choice of this project.
FRAGMENTATION = (
    FragmentationRow("lundAUp", 40, "Lund a up: softer hadrons", "StringZ:aLund", 0.816),
    FragmentationRow("lundADown", 41, "Lund a down: harder hadrons", "StringZ:aLund", 0.544),
    FragmentationRow("lundBUp", 42, "Lund b up: harder hadrons", "StringZ:bLund", 1.176),
    FragmentationRow("lundBDown", 43, "Lund b down: softer hadrons", "StringZ:bLund", 0.784),
    FragmentationRow("sigmaUp", 44, "transverse width of the string up", "StringPT:sigma", 0.402),
    FragmentationRow("sigmaDown", 45, "transverse width of the string down", "StringPT:sigma", 0.268),
    FragmentationRow("strangeUp", 46, "more strange quarks", "StringFlav:probStoUD", 0.2604),
    FragmentationRow("strangeDown", 47, "fewer strange quarks", "StringFlav:probStoUD", 0.1736),
    FragmentationRow("baryonUp", 48, "more baryons", "StringFlav:probQQtoQ", 0.0972),
    FragmentationRow("baryonDown", 49, "fewer baryons", "StringFlav:probQQtoQ", 0.0648),
    FragmentationRow("bFragUp", 50, "Bowler r_b up: softer b hadrons", "StringZ:rFactB", 1.026),
    FragmentationRow("bFragDown", 51, "Bowler r_b down: harder b hadrons", "StringZ:rFactB", 0.684),
)

PDF_SETS = {
    "GRV94L": 1,
    "CTEQ5L": 2,
    "MRST2007lomod": 3,
    "MRSTMCal": 4,
    "MSTW2008lo68cl": 5,
    "MSTW2008nlo68cl": 6,
    "cteq6ll": 7,
    "cteq6l1": 8,
    "cteq66": 9,
    "CT09MC1": 10,
    "CT09MC2": 11,
    "CT09MCS": 12,
    "NNPDF23_lo_as_0130_qed": 13,
    "NNPDF23_lo_as_0119_qed": 14,
    "NNPDF23_nlo_as_0119_qed": 15,
    "NNPDF23_nnlo_as_0119_qed": 16,
    "NNPDF31_lo_as_0130": 17,
    "NNPDF31_lo_as_0118": 18,
    "NNPDF31_nlo_as_0118_luxqed": 19,
    "NNPDF31_nnlo_as_0118_luxqed": 20,
    "NNPDF31sx_nlonllx_as_0118_LHCb_luxqed": 21,
    "NNPDF31sx_nnlonllx_as_0118_LHCb_luxqed": 22,
    "GJR07lo": 23,
}
"""Parton densities that come with Pythia (``PDF:pSet``), by their names in LHAPDF."""

# Vincia's own tune takes alpha_s(M_Z) = 0.118 to the CMW scheme and evaluates it at 0.5 to 0.8 of the squared scale,
# shifted by (0.75 GeV)^2 (manual, VinciaQCD). CP5 has none of that: MSbar, two loops, at pT^2 itself.
VINCIA_COUPLING_OF_CP5 = (
    "Vincia:alphaSvalue=0.118",
    "Vincia:alphaSorder=2",
    "Vincia:useCMW=off",
    "Vincia:alphaSmuFreeze=0",
    "Vincia:renormMultFacEmitF=1",
    "Vincia:renormMultFacSplitF=1",
    "Vincia:renormMultFacEmitI=1",
    "Vincia:renormMultFacSplitI=1",
    "Vincia:renormMultFacConvI=1",
)
