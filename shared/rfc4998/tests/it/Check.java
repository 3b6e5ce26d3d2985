import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Date;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.tsp.ers.ERSByteData;
import org.bouncycastle.tsp.ers.ERSEvidenceRecord;

/** Whether the evidence record in the file "record" is of the data that is given. */
public class Check {
    public static void main(String[] arguments) {
        try {
            var digests = new JcaDigestCalculatorProviderBuilder().build();
            var record = new ERSEvidenceRecord(Files.readAllBytes(Path.of("record")), digests);
            var later = new Date(System.currentTimeMillis() + 400L * 24 * 3600 * 1000);
            record.validatePresent(new ERSByteData(arguments[0].getBytes()), later);
            record.validate(new JcaSimpleSignerInfoVerifierBuilder().build(record.getSigningCertificate()));
            System.out.println("accepted");
        } catch (Exception error) {
            System.out.println("refused: " + error);
        }
    }
}
